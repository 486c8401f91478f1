"""Texts without a mark come out in the words that were written, whichever codec wrote them."""

from __future__ import annotations

import pytest

from datamind_gen.files.encoding import find_encoding

TEXTS = {
    "turkish": ("cp1254", "İl,Nüfus\nİstanbul,1\nMuğla,2\nAğrı,3\nŞırnak,4\nIğdır,5\nÇorum,6\n"),
    "czech": ("cp1250", "Kraj,Počet\nStředočeský,1\nPlzeňský,2\nÚstí,3\nJihomoravský,5\n"),
    "hungarian": ("cp1250", "megye,lélekszám\nGyőr,1\nBékés,2\nHajdúböszörmény,4\nKőszeg,3\n"),
    "polish": ("cp1250", "woj,nazwa\n1,łódzkie\n2,świętokrzyskie\n3,śląskie\n4,małopolskie\n"),
    "latvian": ("cp1257", "novads,skaits\nRēzekne,1\nJēkabpils,2\nĶegums,3\nLīvāni,4\n"),
    "lithuanian": ("cp1257", "miestas,x\nŠiauliai,1\nPanevėžys,2\nKėdainiai,3\nGarliavą,2\n"),
    "icelandic": ("cp1252", "staður,fjöldi\nReykjavík,1\nSeyðisfjörður,2\nÞórshöfn,3\nMýrdal,3\n"),
    "french": ("cp1252", "dép,pop\nRhône,1\nIsère,2\nÎle-de-France,3\nCôte-d’Or,5\n"),
    "portuguese": ("cp1252", "município,pop\nSão Paulo,1\nBelém,2\nConceição,3\nMaceió,4\n"),
    "swedish": ("cp1252", "län,folk\nVästmanland,1\nÖrebro,2\nJämtland,3\nSkåne,3\nÅre,3\n"),
    "estonian": ("cp1252", "linn,n\nPärnu,2\nVõru,2\nJõhvi,3\nPõltsamaa,4\n"),
    "german": ("cp1252", "Stadt,n\nMünchen,2\nKöln,3\nGießen,3\nÄußere,3\n"),
    "german-dos": ("cp850", "Stadt,n\nMünchen,2\nKöln,3\nGießen,3\nGöttingen,3\n"),
    "french-mac": ("mac_roman", "Nom;Ville\nBéguin;Besançon\nLefèvre;Nîmes\nNoël;Évry\n"),
    "one-accent": ("cp1252", "a,b\ncafé,1\nbar,2\n"),
    "pounds-and-daggers": ("cp1252", "Year,Receipts (£m),Change †\n1990,1,2\n"),
    "pounds-alone": ("cp1252", "Amount (£),b\n£5,1\n£6,2\n"),
}


@pytest.mark.parametrize(("codec", "text"), TEXTS.values(), ids=TEXTS)
def test_the_words_come_out(codec: str, text: str) -> None:
    raw = text.encode(codec)
    assert raw.decode(find_encoding(raw).name) == text
