"""What happens to a ticket after it was filed: by people, by its clocks, and beside others that are alike."""
