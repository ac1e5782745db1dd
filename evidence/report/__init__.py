"""The report of a pack: how many rows it may show, and the child process that makes the PDF."""
