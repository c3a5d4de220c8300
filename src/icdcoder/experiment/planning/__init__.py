"""Planning: what a configuration will cost in memory, arithmetic and time, before anything is loaded."""
