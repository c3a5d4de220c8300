"""Building blocks of networks and the contract that every model keeps."""
