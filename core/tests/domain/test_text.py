from soundalike.domain.text import clean, clean_or_none


def test_nul_and_lone_surrogates_go_the_rest_stays() -> None:
    assert clean(" a\x00b\ud800 Ж😀 ") == "ab Ж😀"


def test_nothing_left_is_none() -> None:
    assert clean_or_none("\x00 ") is None
    assert clean_or_none(None) is None
