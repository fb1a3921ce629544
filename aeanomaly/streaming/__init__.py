"""Tables that are larger than memory: where their rows come from, and what a fit keeps of them. No detectors."""

from aeanomaly.streaming.checkpoint import Checkpoint
from aeanomaly.streaming.passes import score_parts, survey_source
from aeanomaly.streaming.sample import RowSample, numbers_of_sample
from aeanomaly.streaming.sources import Part, Source, as_source, fingerprint_of
from aeanomaly.streaming.survey import Survey, SurveyedPart, joined_survey, survey_part

__all__ = [
    "Checkpoint",
    "Part",
    "RowSample",
    "Source",
    "Survey",
    "SurveyedPart",
    "as_source",
    "fingerprint_of",
    "joined_survey",
    "numbers_of_sample",
    "score_parts",
    "survey_part",
    "survey_source",
]
