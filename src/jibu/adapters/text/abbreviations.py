# ruff: noqa: RUF001 - Cyrillic is meant
"""Abbreviations whose full stop does not end a sentence. Lower case, without the last full stop."""

from __future__ import annotations

_TITLES = """
    dr mr mrs ms prof hon rev gen col capt lt sgt gov sen rep pres messrs st mt ft
    m mm mme mmes mlle mgr me sr sra srta sres dra d dña dª lic ing arq exmo exma ilmo ilma sig dott avv
    hr fr dhr mevr bw bi mh mhe dkt г-н г-жа акад проф डॉ श्री प्रो د أ م
"""
_PHRASES = """
    e.g eg i.e ie ee u.s u.k u.n cf viz vs v al approx esp incl dept p.ex ex av avda bd
    z.b d.h u.a o.ä bzw ggf evtl inkl zzgl vgl str bijv т.е т.к т.н им ул д кв просп пер
"""
_NUMBERED = """
    no nos nr n nº núm num art arts sec sect secs ch chap chaps cap caps fig figs p pp pg pgs para paras par
    vol vols l r reg regs sch cl cls ss s kif ст п пп гл рис табл с abs abb bd kap ziff
    tél tel ext op cit ptda apdo bp c ca
"""

ALWAYS = frozenset((_TITLES + _PHRASES).split())
"""Something always follows these."""

BEFORE_NUMBER = frozenset(_NUMBERED.split())
"""These go on when a number, or a code such as ``L. 123-4``, follows."""
