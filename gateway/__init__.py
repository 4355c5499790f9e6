"""The shell: every door, the store and the story that joins them. All I/O of Presa happens here."""
