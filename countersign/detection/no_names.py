"""Words that stand where names do and are none, or are both."""

from __future__ import annotations

from countersign.detection.words import word_set

# These are words as well.
AMBIGUOUS_TITLES = word_set(
    """
    don m. pan sister father col gen fr sir miss judge nurse pani officer attorney
    """
)
# Words that lists of names hold, and that in a prompt are never one.
NEVER = word_set(
    """
    the a an in on at of for to with and or is was are be by as it no not he she they we you i
    what how when where which who why can could should would will may please write explain
    give list draft describe summarize patient patients current latest best recommended
    management guidelines treatment options effectiveness january february march april may
    june july august september october november december monday tuesday wednesday thursday
    friday saturday sunday texas california virginia georgia carolina dakota florida
    washington america american african asian hispanic european english spanish french german
    type stage grade dose left right male female man woman boy girl doctor nurse clinic
    hospital medicare medicaid covid my iban princess prince duchess duke queen king royal
    """
)


PEOPLES = frozenset({"asian", "black", "caucasian", "hispanic", "latina", "latino", "white"})
