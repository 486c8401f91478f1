"""The licence policy that a pipeline states, and what it says of a licence."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from datamind_gen.files.licenses import LicenseClass
from datamind_gen.publish.licenses import decide
from datamind_gen.spec.publish import LICENSE_CLASSES, LicenseAction, LicensePolicy

DEFAULT = LicensePolicy()
STRICT = LicensePolicy(allow=("permissive", "CC-BY-NC-4.0"), warn=(), refuse=("CC-BY*", "non_commercial"))


def test_classes_are_those_of_the_files() -> None:
    assert set(LICENSE_CLASSES) == {kind.value for kind in LicenseClass}


@pytest.mark.parametrize(
    ("policy", "license", "action"),
    [
        (DEFAULT, "CC0-1.0", LicenseAction.ALLOW),
        (DEFAULT, "MIT", LicenseAction.ALLOW),
        (DEFAULT, "CC-BY-4.0", LicenseAction.ALLOW),
        (DEFAULT, "CC-BY-SA-4.0", LicenseAction.WARN),
        (DEFAULT, "unknown", LicenseAction.WARN),
        (DEFAULT, "CC BY-NC 4.0", LicenseAction.REFUSE),
        (DEFAULT, "CC-BY-ND-4.0", LicenseAction.REFUSE),
        (STRICT, "cc-by-nc-4.0", LicenseAction.ALLOW),
        (STRICT, "CC-BY-4.0", LicenseAction.REFUSE),
        (STRICT, "CC-BY-NC-SA-4.0", LicenseAction.REFUSE),
        (STRICT, "something of our own", LicenseAction.WARN),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_a_policy_says(policy: LicensePolicy, license: str, action: LicenseAction) -> None:
    assert decide(license, policy) is action


@pytest.mark.parametrize("typo", ["noncommercial", "non-commercial", "Share_Alike", "unkown"])
def test_misspelt_class_is_an_error_with_the_right_name(typo: str) -> None:
    with pytest.raises(ValidationError, match=r"write `(non_commercial|share_alike|unknown)`"):
        LicensePolicy(refuse=(typo,))


def test_entry_under_two_actions_is_an_error() -> None:
    with pytest.raises(ValidationError, match="stands under"):
        LicensePolicy(allow=("MIT",), refuse=("mit",))
