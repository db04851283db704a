"""What the user's files declare, as assets, checks and resources with each name resolved."""
