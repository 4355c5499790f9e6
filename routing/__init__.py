"""What happens now: clocks, calendars, queues, on-call. Pure: told the time, the rows and the rules; asks for none."""
