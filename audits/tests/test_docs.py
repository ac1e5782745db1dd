from django.conf import settings

from countersign.problems import PROBLEMS


def test_the_document_lists_every_problem_as_it_is():
    text = (settings.BASE_DIR / "docs" / "api.md").read_text()
    for code, problem in PROBLEMS.items():
        assert f"| `{code}` | {problem.status} | {problem.detail} |" in text
