"""What programs may send, as structures: the decoder refuses what does not fit them."""
