"""What tends the repository and is no part of the product."""
