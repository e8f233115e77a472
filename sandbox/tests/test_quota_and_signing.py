from soundalike.sandbox.quota import Quota
from soundalike.sandbox.signed_urls import Signer

PATH = "/api/1/1/a/b/c/d/0/x.mp3"


def test_a_quota_counts_accepted_requests_in_any_window() -> None:
    now = 0.0
    quota = Quota(3, 5.0, clock=lambda: now)
    assert [quota.take() for _ in range(5)] == [True, True, True, False, False]
    now = 4.9
    assert not quota.take()
    now = 5.0
    assert [quota.take() for _ in range(4)] == [True, True, True, False]


def test_a_signed_url_works_until_it_expires() -> None:
    now = 1_000.0
    signer = Signer(lifetime=900, clock=lambda: now)
    token = signer.token(PATH)
    assert token.startswith("hdnea=exp=1900~acl=/api/1/1/a/b/c/d/0/x.mp3*~data=")
    assert signer.allows(PATH, token)
    now = 1_899.0
    assert signer.allows(PATH, token)
    now = 1_900.0
    assert not signer.allows(PATH, token)


def test_no_other_path_and_no_changed_token() -> None:
    signer = Signer()
    token = signer.token(PATH)
    assert not signer.allows("/api/1/1/a/b/c/d/0/y.mp3", token)
    assert not signer.allows(PATH, token.replace("exp=", "exp=9"))
    assert not signer.allows(PATH, "")
    assert not signer.allows(PATH, token[:-1] + ("0" if token[-1] != "0" else "1"))


def test_all_urls_can_be_expired() -> None:
    signer = Signer()
    token = signer.token(PATH)
    signer.expire_all()
    assert not signer.allows(PATH, token)
    assert signer.allows(PATH, signer.token(PATH))
