"""The research flow: prepare → train → decide → evaluate, resumable, from one configuration."""
