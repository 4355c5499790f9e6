"""Who is on duty: as it stands, as people change it, as calendars add, and who is told."""
