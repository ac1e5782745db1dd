import json
import uuid

from audits.models import Call, Completion
from audits.tests import make


def test_sixteen_posts_of_one_call_store_one_record_and_get_one_answer(live):
    secret = make.key(live)[1]
    body = make.call_body()
    answers = make.at_once(16, lambda _: make.hot(secret, "calls", body))
    assert sorted(a.status for a in answers) == [200] * 15 + [201]
    assert len({a.body for a in answers}) == 1
    assert Call.objects.count() == 1


def test_of_different_calls_with_one_id_one_is_stored(live):
    secret = make.key(live)[1]
    call_id = str(uuid.uuid4())

    def work(number: int):
        return make.hot(secret, "calls", make.call_body(call_id=call_id, attempt=number + 1))

    answers = make.at_once(8, work)
    assert sorted(a.status for a in answers) == [201] + [422] * 7
    assert Call.objects.count() == 1


def test_of_completions_at_once_one_is_stored(live):
    secret = make.key(live)[1]
    call_id = json.loads(make.hot(secret, "calls", make.call_body()).body)["call_id"]
    bodies = [make.completion_body(latency_ms=number) for number in range(8)]
    answers = make.at_once(
        8, lambda number: make.hot(secret, f"calls/{call_id}/completion", bodies[number])
    )
    assert sorted(a.status for a in answers) == [201] + [409] * 7
    assert Completion.objects.count() == 1
