"""What is commonly written first for such records, to compare with; no part of the product."""
