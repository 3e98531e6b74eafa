"""Draws identity numbers that python-stdnum finds valid, and near misses that it does not.

    identifiers.py COUNT SEED

One JSON object a line: {"detector", "valid": [[spelling, ..], ..], "wrong": [[spelling, ..], ..]}.
Numbers are drawn from templates until the library, whose arithmetic is not ours, says that they are
valid; a near miss is one with another digit somewhere, which it refuses.
"""

import importlib
import json
import random
import sys

COUNT = int(sys.argv[1])
random.seed(int(sys.argv[2]))

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def date(order):
    year, month, day = random.randint(40, 99), random.randint(1, 12), random.randint(1, 28)
    parts = {"Y": "%04d" % (1900 + year), "y": "%02d" % year, "m": "%02d" % month, "d": "%02d" % day}
    return "".join(parts[sign] for sign in order)


def draw(template):
    """`9` a digit, `A` a letter, `?` either, `{...}` a date in that order, `[...]` one of these."""
    out, rest = "", template
    while rest:
        sign, rest = rest[0], rest[1:]
        if sign == "9":
            out += random.choice("0123456789")
        elif sign == "A":
            out += random.choice(LETTERS)
        elif sign == "?":
            out += random.choice("0123456789" + LETTERS)
        elif sign == "{":
            order, rest = rest.split("}", 1)
            out += date(order)
        elif sign == "[":
            choices, rest = rest.split("]", 1)
            out += random.choice(choices)
        elif sign == "!":
            out, rest = out + rest[0], rest[1:]
        else:
            out += sign
    return out


# Our detector, the library's module, how its numbers look.
KINDS = [
    ("in-aadhaar", "in_.aadhaar", "9" * 12),
    ("in-vid", "in_.vid", "9" * 16),
    ("in-pan", "in_.pan", "AAA[PCHFATBLJG]A9999A"),
    ("in-gstin", "in_.gstin", "[012]9AAA[PCHFATBLJG]A9999A[123456789]Z?"),
    ("in-epic", "in_.epic", "AAA9999999"),
    ("us-ssn", "us.ssn", "999-99-9999"),
    ("us-itin", "us.itin", "!999-[789]9-9999"),
    ("us-ein", "us.ein", "99-9999999"),
    ("ca-sin", "ca.sin", "9" * 9),
    ("br-cpf", "br.cpf", "9" * 11),
    ("br-cnpj", "br.cnpj", "9" * 14),
    ("ar-cuit", "ar.cuit", "2[0347]" + "9" * 9),
    ("cl-rut", "cl.rut", "[12]9999999[0123456789K]"),
    ("co-nit", "co.nit", "[89]" + "9" * 9),
    ("mx-curp", "mx.curp", "A[AEIOU]AA{ymd}[HM][DJNMSTY][FGLCSYR][BCDFGHLMNPRSTVZ][BCDFGHLMNPRSTVZ][BCDFGHLMNPRSTVZ]99"),
    ("mx-rfc", "mx.rfc", "A[AEIOU]AA{ymd}???"),
    ("ec-cedula", "ec.ci", "[01]9[012345]" + "9" * 7),
    ("do-cedula", "do.cedula", "9" * 11),
    ("pe-ruc", "pe.ruc", "[12]0" + "9" * 9),
    ("gb-nhs", "gb.nhs", "9" * 10),
    ("gb-utr", "gb.utr", "9" * 10),
    ("de-idnr", "de.idnr", "9" * 11),
    ("fr-nir", "fr.nir", "[12]99[01]9" + "9" * 10),
    ("fr-spi", "fr.nif", "[0123]" + "9" * 12),
    ("es-dni", "es.dni", "99999999A"),
    ("es-nie", "es.nie", "[XYZ]9999999A"),
    ("it-codice-fiscale", "it.codicefiscale", "AAAAAA99[ABCDEHLMPRST]99A999A"),
    ("pt-nif", "pt.nif", "[123456789]" + "9" * 8),
    ("nl-bsn", "nl.bsn", "9" * 9),
    ("be-nn", "be.nn", "{ymd}99999"),
    ("ie-pps", "ie.pps", "9999999A"),
    ("ch-ahv", "ch.ssn", "756" + "9" * 10),
    ("at-svnr", "at.vnr", "9999{dmy}"),
    ("gr-amka", "gr.amka", "{dmy}99999"),
    ("se-personnummer", "se.personnummer", "{ymd}-9999"),
    ("no-fodselsnummer", "no.fodselsnummer", "{dmy}99999"),
    ("dk-cpr", "dk.cpr", "{dmy}-9999"),
    ("fi-hetu", "fi.hetu", "{dmy}-999?"),
    ("is-kennitala", "is_.kennitala", "{dmy}-99[0123456789]9"),
    ("pl-pesel", "pl.pesel", "{ymd}99999"),
    ("pl-nip", "pl.nip", "9" * 10),
    ("ro-cnp", "ro.cnp", "[12]{ymd}[0123]99999"),
    ("cz-rodne-cislo", "cz.rc", "{ymd}9999"),
    ("bg-egn", "bg.egn", "{ymd}9999"),
    ("ee-isikukood", "ee.ik", "[3456]{ymd}9999"),
    ("ee-isikukood", "lt.asmens", "[34]{ymd}9999"),
    ("hr-oib", "hr.oib", "9" * 11),
    ("jmbg", "si.emso", "{dm}9{y}999999"),
    ("tr-tckn", "tr.tckimlik", "9" * 11),
    ("ru-inn", "ru.inn", "9" * 12),
    ("cn-resident", "cn.ric", "[1]1010[125]{Ymd}99[0123456789]?"),
    ("kr-rrn", "kr.rrn", "{ymd}[12]999999"),
    ("jp-my-number", "jp.in_", "9" * 12),
    ("my-mykad", "my.nric", "{ymd}[01]99999"),
    ("th-pin", "th.pin", "[12345678]" + "9" * 12),
    ("id-nik", "id.nik", "3[12]0[123]01{dmy}9999"),
    ("il-id", "il.idnr", "9" * 9),
    ("pk-cnic", "pk.cnic", "[1234567]9999-9999999-9"),
    ("za-id", "za.idnr", "{ymd}9999[01]99"),
    ("au-tfn", "au.tfn", "9" * 9),
    ("au-abn", "au.abn", "9" * 11),
    ("nz-ird", "nz.ird", "[1]99999999"),
    ("us-routing", "us.rtn", "[0123]" + "9" * 8),
    ("iban", "iban", "DE99" + "9" * 18),
    ("iban", "iban", "NL99[AIR][BN][NG][ABO]" + "9" * 10),
]


def spellings(module, number):
    compact = module.compact(number) if hasattr(module, "compact") else number
    both = [number, compact]
    if hasattr(module, "format"):
        try:
            both.append(module.format(number))
        except Exception:
            pass
    return list(dict.fromkeys(both))


for detector, name, template in KINDS:
    module = importlib.import_module("stdnum." + name)
    valid, wrong = [], []
    for _ in range(COUNT):
        for _ in range(20000):
            number = draw(template)
            if module.is_valid(number):
                break
        else:
            break
        valid.append(spellings(module, number))
        for _ in range(50):
            place = random.randrange(len(number))
            digits = [d for d in "0123456789" if d != number[place]]
            if number[place] in "0123456789":
                miss = number[:place] + random.choice(digits) + number[place + 1 :]
                if not module.is_valid(miss):
                    wrong.append(spellings(module, miss))
                    break
    print(json.dumps({"detector": detector, "valid": valid, "wrong": wrong}))
