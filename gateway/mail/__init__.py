"""From a mail at a door to what the story needs of it: read, proven, addressed, held; and the promises about it."""
