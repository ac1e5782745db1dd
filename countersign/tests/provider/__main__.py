"""`python -m countersign.tests.provider`: serves until its standard input ends.

Prints its address first. For benchmarks, whose processor time must not hold the provider's.
`--echo` repeats what was asked.
"""

import sys

from countersign.tests.provider import FakeProvider

with FakeProvider(echo="--echo" in sys.argv[1:]) as provider:
    sys.stdout.write(provider.url + "\n")
    sys.stdout.flush()
    sys.stdin.read()
