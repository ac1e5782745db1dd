"""Ids of calls: UUIDs of version 7, in the order of their moments, never twice."""

import os
import random
import time
import uuid

from countersign.client import ids
from countersign.client.contract import CALL


def test_ids_are_of_version_7_and_say_when_they_were_made():
    before = time.time_ns() // 1_000_000
    made = [ids.uuid7() for _ in range(2000)]
    after = time.time_ns() // 1_000_000
    assert len(set(made)) == 2000
    for text in made:
        found = uuid.UUID(text)
        assert (found.version, found.variant) == (7, uuid.RFC_4122)
        assert before <= found.int >> 80 <= after
        assert CALL["call_id"](text)


def test_a_program_that_seeds_chance_for_itself_does_not_seed_ids():
    random.seed(42)
    first = ids.uuid7()[15:]
    random.seed(42)
    assert ids.uuid7()[15:] != first


def test_a_child_makes_others_than_its_parent():
    told, telling = os.pipe()
    child = os.fork()
    if not child:
        os.write(telling, " ".join(ids.uuid7()[15:] for _ in range(100)).encode())
        os._exit(0)
    os.close(telling)
    os.waitpid(child, 0)
    with os.fdopen(told) as said:
        there = set(said.read().split())
    assert len(there) == 100
    assert not there & {ids.uuid7()[15:] for _ in range(100)}
