"""A telephone call and what follows from it: the dialogue's errands, callbacks, the queue, PINs tried, recordings."""
