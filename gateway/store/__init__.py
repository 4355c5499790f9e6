"""All that is kept. Functions here take a connection (the caller owns the transaction) and return frozen values."""
