"""Letters of other scripts that look like Latin ones in common typefaces."""

from __future__ import annotations

# Pairs: the look-alike, then the Latin letter. Cyrillic, Greek, Armenian, Cherokee, Lisu, IPA.
_PAIRS = """
аa еe оo рp сc уy хx іi јj ѕs һh ԁd ԛq ԝw ѵv ӏl ɡg ьb вb кk мm нh тt пn гr
АA ВB ЕE ЗZ ІI ЈJ КK МM НH ОO РP СC ЅS ТT УY ХX ԌG ԜW ѴV ҮY ҺH ԚQ ӀI ЬB
αa βb γy εe ηn ιi κk νv οo ρp τt υu χx ωw ϲc ϳj σo
ΑA ΒB ΕE ΖZ ΗH ΙI ΚK ΜM ΝN ΟO ΡP ΤT ΥY ΧX ϹC ͿJ ϜF
օo ոn ցg հh սu քp յj զq աw ԼL ՍU ՏS ՕO
ᎪA ᏴB ᏟC ᎠD ᎬE ᏀG ᎻH ᎫJ ᏦK ᏞL ᎷM ᏢP ᎡR ᏚS ᎢT ᏙV ᎳW ᏃZ
ꓐB ꓑP ꓓD ꓔT ꓖG ꓗK ꓙJ ꓚC ꓜZ ꓝF ꓟM ꓠN ꓡL ꓢS ꓣR ꓦV ꓧH ꓪW ꓫX ꓬY ꓮA ꓰE ꓲI ꓳO ꓴU
ɑa ɩi ıi ʏY ʀR ʟL ɢG ɪI ɴN ʜH ʙB ᴀA ᴄc ᴅD ᴇE ᴊJ ᴋK ᴍM ᴏo ᴘP ᴛT ᴜU ᴠv ᴡw ᴢz ꜱs ꜰF ʋv ƅb ƍg ƖI ǀl
"""

LATIN_LOOKALIKES = {pair[0]: pair[1] for pair in _PAIRS.split()}
