"""The first answers are sentences in both languages, whatever the night was like."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dedup.reports.first_screen import first_screen
from dedup.reports.texts import texts_in

COUNT = st.integers(0, 3)
NAMES = st.lists(st.sampled_from(["Kraambureau Lente", "Kraamzorg Morgen"]), max_size=5).map(tuple)


@pytest.mark.parametrize("language", ["nl", "en"])
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_every_answer_is_made_of_sentences(report, language, data):
    counts = ("new", "reopened", "settled_today", "ksv_acts", "elsewhere_acts", "escalated", "older_than_longest")
    summary = replace(
        report.summary,
        **{name: data.draw(COUNT, name) for name in counts},
        not_fresh=data.draw(NAMES),
        suspected=data.draw(NAMES),
    )
    month = data.draw(st.sampled_from(["", "2026-11"]))
    answers = first_screen(
        replace(report, summary=summary, month=month, month_settled=data.draw(COUNT)), texts_in(language)
    )

    assert len(answers) == 4
    for answer in answers:
        assert answer.question.endswith("?")
        assert answer.text.endswith(".")
        sentences = re.split(r"(?<=\.) ", answer.text)
        assert [one for one in sentences if not (one[0].isupper() or one[0].isdigit()) or ".." in one] == []
