"""What an evidence pack consists of: its datasets, the form of its cells, the bag around them."""
