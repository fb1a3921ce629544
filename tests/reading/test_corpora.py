"""Files of people and programs: read rightly at the first try, refused in one sentence, or read with a warning."""

import warnings
from pathlib import Path

import pandas as pd
import pytest

import aeanomaly
from aeanomaly.exceptions import SourceError
from aeanomaly.reading import ReadOptions, read_raw_parts, read_raw_table, read_typed_table
from tests.reading import confirming, corpus

#: Files of the second corpus that are not read as its writer, who had not seen the reader, expected.
KNOWN_MISSES = {"oracle_spool": "columns of words aligned below lines of dashes", "genbank": "taken for one column"}


@pytest.fixture(scope="module", params=[corpus, confirming], ids=["corpus", "confirming"])
def cases(request, tmp_path_factory):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the packages that ship the tables
        return request.param.write_corpus(tmp_path_factory.mktemp("files"))


def read(case, **options):
    """Return the frame and the texts of the warnings, or the error."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            frame = aeanomaly.read_table(case.path, **options)
        except SourceError as error:
            return None, str(error)
    assert all(issubclass(warning.category, UserWarning) for warning in caught), caught
    assert len(caught) <= 1
    return frame, "".join(str(warning.message) for warning in caught)


def test_files_are_read_rightly_refused_or_warned_of(cases):
    wrong = {}
    for case in cases:
        frame, said = read(case)
        if case.expectation == "refused":
            fault = "is read" if frame is not None else None
            if fault is None and case.retry:
                fault = "is refused again" if read(case, **case.retry)[0] is None else None
        elif frame is None:
            fault = said if case.expectation == "right" else None
        else:
            fault = corpus.compare(frame, case) or (case.expectation == "said" and not said and "no warning") or None
        if fault is not None:
            wrong[case.name] = fault
    assert wrong.keys() <= KNOWN_MISSES.keys(), wrong


def test_refusals_are_one_sentence_with_the_file_and_a_remedy(cases):
    for case in cases:
        frame, said = read(case)
        if frame is None:
            assert case.path.rsplit("/", 1)[-1][:6] in said, said
            assert any(
                word in said for word in ("pass", "supported formats", "choose", "correct", "copy", "extract", "must")
            )
            assert "\n" not in said
            assert len(said.replace(case.path, "")) < 300, said


def test_the_parser_of_numbers_gives_what_text_gives(cases):
    for case in cases:
        options = ReadOptions()
        try:
            fast, text = read_typed_table(case.path, options), read_raw_table(case.path, options).typed()
        except SourceError:
            continue
        pd.testing.assert_frame_equal(fast.frame, text.frame, obj=case.name)
        assert set(fast.remarks) == set(text.remarks), case.name


def test_parts_of_a_file_are_the_file(cases, monkeypatch):
    monkeypatch.setattr("aeanomaly.reading.delimited.PART_ROWS", 30)
    for case in cases:
        if case.expectation != "right" or not Path(case.path).is_file():
            continue
        whole = read_raw_table(case.path, ReadOptions())
        if not whole.is_text:
            continue
        parts = [raw.frame for raw in read_raw_parts(case.path, ReadOptions())]
        joined = pd.concat(parts, ignore_index=True)[whole.frame.columns]
        pd.testing.assert_frame_equal(joined, whole.frame, obj=case.name, check_dtype=False)
