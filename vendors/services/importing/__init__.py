"""Imports into the register: what it holds, what a file would do to it, and doing it."""
