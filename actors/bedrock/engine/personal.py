"""Personal data: AWS's 31 entity types, each by its form, by what stands before it, and by its check digits.

What has a form of its own (a mail address, an IBAN) is found anywhere; what is only a number or a word (a PIN, a name)
is found behind the words that announce it. Names and addresses without such words are not found: that takes a language
model. Types and their meaning: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_GuardrailPiiEntityConfig.html
"""

import ipaddress
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from actors.bedrock.engine.expressions import Match

# between the announcement and the value
_SAID = r"\W{0,3}(?:\b(?:is|are|was|no|number|nr|num|id|code)\b\W{0,3}){0,3}"


@dataclass(frozen=True, slots=True)
class Detector:
    """`pattern`'s group `v`, or all of it, where `check` holds of it."""

    pattern: re.Pattern[str]
    check: Callable[[str], bool] = lambda value: True

    def find(self, text: str) -> Iterator[Match]:
        group = "v" if "v" in self.pattern.groupindex else 0
        for found in self.pattern.finditer(text):
            if self.check(found.group(group)):
                yield Match(found.start(group), found.end(group), found.group(group))


def _digits(text: str) -> list[int]:
    return [int(letter) for letter in text if letter.isdigit()]


def luhn(text: str) -> bool:
    """ISO/IEC 7812-1, annex B."""
    digits = _digits(text)
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return (sum(digits[::-2]) + sum(doubled)) % 10 == 0


def _card(text: str) -> bool:
    return 13 <= len(_digits(text)) <= 19 and luhn(text)


def _iban(text: str) -> bool:
    """ISO 13616: the number modulo 97 is 1."""
    compact = text.replace(" ", "").upper()
    if not 15 <= len(compact) <= 34:
        return False
    return int("".join(str(int(letter, 36)) for letter in compact[4:] + compact[:4])) % 97 == 1


def _routing(text: str) -> bool:
    """https://www.aba.com/about-us/routing-number: 3, 7, 1 weighted, a multiple of ten."""
    digits = _digits(text)
    return len(digits) == 9 and sum(digit * (3, 7, 1)[place % 3] for place, digit in enumerate(digits)) % 10 == 0


def _nhs(text: str) -> bool:
    """https://www.datadictionary.nhs.uk/attributes/nhs_number.html: modulo 11."""
    digits = _digits(text)
    if len(digits) != 10:
        return False
    check = 11 - sum(digit * (10 - place) for place, digit in enumerate(digits[:9])) % 11
    return digits[9] == (0 if check == 11 else check)


def _vin(text: str) -> bool:
    """ISO 3779 with North America's check digit (49 CFR 565.15)."""
    values = {**{str(digit): digit for digit in range(10)},
              **dict(zip("ABCDEFGHJKLMNPRSTUVWXYZ", (*range(1, 9), *range(1, 6), 7, 9, *range(2, 10)), strict=True))}
    weights = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
    check = sum(values[letter] * weight for letter, weight in zip(text.upper(), weights, strict=True)) % 11
    return text[8].upper() == ("X" if check == 10 else str(check))


def _address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _ssn(text: str) -> bool:
    """https://www.ssa.gov/employer/randomization.html: what is never issued."""
    area, group, serial = text[:3], text[-6:-4].strip("- "), text[-4:]
    return area not in ("000", "666") and area < "900" and group != "00" and serial != "0000"


def _form(pattern: str, check: Callable[[str], bool] = lambda value: True, flags: int = 0) -> Detector:
    return Detector(re.compile(pattern, flags), check)


def _announced(by: str, value: str, check: Callable[[str], bool] = lambda value: True) -> Detector:
    return Detector(re.compile(rf"\b(?i:{by})\b{_SAID}(?P<v>{value})"), check)


_CAPITALISED = r"[A-Z][a-z'’-]{1,30}(?: [A-Z][a-z'’.-]{0,30}){0,3}"
_STREET = ("Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Square|Sq|Place|Pl|Terrace|Way|"
           "Highway|Hwy|Parkway|Pkwy")

DETECTORS: dict[str, Sequence[Detector]] = {
    "ADDRESS": (_form(rf"\b\d{{1,6}} (?:[A-Z][a-zA-Z'.-]{{0,30}} ){{1,4}}(?:{_STREET})\b\.?"
                      r"(?:, (?:[A-Z][a-z]{1,30} ?){1,3})?(?:, [A-Z]{2} \d{5}(?:-\d{4})?)?"),),
    "AGE": (_form(r"\b\d{1,3}[ -](?:years?|yrs?)[ -]old\b", flags=re.I),
            _announced("age|aged", r"\d{1,3}(?!\d)"),
            _form(r"\b(?:I am|I'm|he is|she is) (?P<v>\d{1,3})(?: years old)?(?=[.,;!?\s]|$)(?! (?:percent|%))")),
    "AWS_ACCESS_KEY": (_form(r"(?<![A-Z0-9])(?:AKIA|ASIA|AROA|AIDA)[A-Z2-7]{16}(?![A-Z0-9])"),),
    "AWS_SECRET_KEY": (_announced("secret(?: access)? key|aws_secret_access_key",
                                  r"(?<![A-Za-z0-9/+=])[A-Za-z0-9/+=]{40}(?![A-Za-z0-9/+=])"),),
    "CA_HEALTH_NUMBER": (_announced("health(?: card| insurance)?|ohip|phn", r"\d{4}[ -]?\d{3}[ -]?\d{3}(?!\d)"),),
    "CA_SOCIAL_INSURANCE_NUMBER": (_announced("sin|social insurance", r"\d{3}[ -]?\d{3}[ -]?\d{3}(?!\d)", luhn),),
    "CREDIT_DEBIT_CARD_CVV": (_announced("cvv2?|cvc2?|security code|card verification", r"\d{3,4}(?!\d)"),),
    "CREDIT_DEBIT_CARD_EXPIRY": (_announced("exp(?:iry|iration|ires)?(?: date)?|valid (?:thru|until)",
                                            r"(?:0[1-9]|1[0-2])[/-](?:20)?\d{2}(?!\d)"),),
    "CREDIT_DEBIT_CARD_NUMBER": (
        _form(r"(?<![\d-])(?:\d{13,19}|\d{4}[ -]\d{4}[ -]\d{4}[ -]\d{1,7}|\d{4}[ -]\d{6}[ -]\d{5})(?![\d-])", _card),),
    "DRIVER_ID": (_announced("driver'?s?'? licen[cs]e|driving licen[cs]e|driver id",
                             r"(?=[A-Z0-9-]{0,14}\d)[A-Z0-9-]{5,15}"),),
    "EMAIL": (_form(r"(?<![\w.+-])[\w.+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}(?<![-.])"),),
    "INTERNATIONAL_BANK_ACCOUNT_NUMBER": (
        _form(r"(?<![A-Z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![A-Z0-9])", _iban),),
    "IP_ADDRESS": (_form(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w]|\.\d)", _address),
                   _form(r"(?<![\w:])[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){2,7}(?![\w:])", _address)),
    "LICENSE_PLATE": (_announced("licen[cs]e plate|number plate|plate|registration plate",
                                 r"(?=[A-Z0-9 -]{0,9}\d)[A-Z0-9][A-Z0-9 -]{3,8}[A-Z0-9]"),),
    "MAC_ADDRESS": (_form(r"(?<![\w:-])[0-9a-fA-F]{2}(?:[:-][0-9a-fA-F]{2}){5}(?![\w:-])"),),
    "NAME": (_form(r"\b(?i:my name is|i am called|call me|this is|name:|named|dear|regards,?|sincerely,?)\s"
                   rf"(?P<v>{_CAPITALISED})"),
             _form(rf"\b(?:Mr|Mrs|Ms|Miss|Dr|Prof|Sir|Madam)\.? (?P<v>{_CAPITALISED})")),
    "PASSWORD": (_form(r"\b(?i:password|passwd|pwd|passphrase)\b\s{0,3}(?:(?i:is)\b|[:=])\s{0,3}"
                       r"(?P<v>[^\s,;]{4,64})"),),
    "PHONE": (_form(r"(?<![\w.+-])(?:\+\d{1,3}[ .-]?)?(?:\(\d{2,4}\)|\d{2,4})[ .-]\d{3,4}[ .-]?\d{3,4}(?![\w-])"),
              _form(r"(?<![\w+])\+\d{8,15}(?!\w)")),
    "PIN": (_announced("pin|pin code", r"\d{4,6}(?!\d)"),),
    "SWIFT_CODE": (_announced("swift|bic", r"[A-Z]{6}[A-Z0-9]{2}(?:[A-Z0-9]{3})?(?![A-Z0-9])"),),
    "UK_NATIONAL_HEALTH_SERVICE_NUMBER": (_form(r"(?<!\d)\d{3}[ -]?\d{3}[ -]?\d{4}(?!\d)", _nhs),),
    "UK_NATIONAL_INSURANCE_NUMBER": (
        _form(r"(?<![A-Z0-9])[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d{2} ?\d{2} ?\d{2} ?[A-D](?![A-Z0-9])"),),
    "UK_UNIQUE_TAXPAYER_REFERENCE_NUMBER": (_announced("utr|unique taxpayer reference|taxpayer reference",
                                                       r"\d{5} ?\d{5}(?!\d)"),),
    "URL": (_form(r"\b(?:https?|ftp)://[^\s<>\"']{3,2048}(?<![.,;:!?)])"),
            _form(r"(?<![\w./@])www\.[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}(?:/[^\s<>\"']{0,2048})?")),
    "USERNAME": (_form(r"\b(?i:user ?name|login|user id|handle)\b\s{0,3}(?:(?i:is)\b|[:=])\s{0,3}"
                       r"(?P<v>@?[\w.-]{3,64})"),),
    "US_BANK_ACCOUNT_NUMBER": (_announced("(?:bank |checking |savings )?account", r"\d{8,17}(?!\d)"),),
    "US_BANK_ROUTING_NUMBER": (_announced("routing|aba", r"\d{9}(?!\d)", _routing),),
    "US_INDIVIDUAL_TAX_IDENTIFICATION_NUMBER": (
        _form(r"(?<![\d-])9\d{2}[ -]?(?:5\d|6[0-5]|7\d|8[0-8]|9[0-2]|9[4-9])[ -]?\d{4}(?![\d-])"),),
    "US_PASSPORT_NUMBER": (_announced("passport", r"(?:[A-Z]\d{8}|\d{9})(?!\d)"),),
    "US_SOCIAL_SECURITY_NUMBER": (_form(r"(?<![\d-])\d{3}[- ]\d{2}[- ]\d{4}(?![\d-])", _ssn),
                                  _announced("ssn|social security", r"\d{9}(?!\d)", _ssn)),
    "VEHICLE_IDENTIFICATION_NUMBER": (_form(r"(?<![A-Z0-9])[A-HJ-NPR-Z0-9]{17}(?![A-Z0-9])", _vin),),
}


def find(entity: str, text: str) -> Iterator[Match]:
    """Where `text` holds the entity, in order, none overlapping another."""
    end = 0
    for match in sorted(match for detector in DETECTORS[entity] for match in detector.find(text)):
        if match.start >= end:
            end = match.end
            yield match
