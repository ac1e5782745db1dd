"""The layout, the policy, the theme and the sign-in, asked over HTTP without JavaScript."""

import re

import environ
import pytest
from django import forms
from django.conf import settings
from django.contrib.auth.models import Permission
from django.http import HttpResponse
from django.template import Context, Template
from django.test import RequestFactory
from django.urls import reverse

from portal import context, csp, tasks
from portal.identity.sessions import sessions
from portal.models import User

PASSWORD = "correct horse battery staple"


@pytest.fixture
def ada(db):
    return User.objects.create_user("ada@example.org", PASSWORD, full_name="Ada Officer")


@pytest.fixture
def signed_in(client, ada):
    client.force_login(ada)
    return client


def test_the_policy_of_a_page_is_the_strict_one_with_the_nonce_of_its_scripts(client, db):
    answer = client.get(reverse("account_login"))
    nonce = re.search(r"'nonce-([^']+)'", answer.headers["Content-Security-Policy"])[1]
    assert answer.headers["Content-Security-Policy"] == (
        f"default-src 'none'; script-src 'nonce-{nonce}' 'strict-dynamic'; style-src 'self'; "
        "img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'; object-src 'none'; "
        "require-trusted-types-for 'script'"
    )
    assert set(re.findall(r'nonce="([^"]*)"', answer.text)) == {nonce}


def test_every_answer_has_a_nonce_of_its_own(client, db):
    policies = {
        client.get(reverse("account_login")).headers["Content-Security-Policy"] for _ in range(3)
    }
    assert len(policies) == 3


def test_a_view_with_its_own_policy_keeps_it():
    def view(request):
        return HttpResponse(headers={"Content-Security-Policy": "sandbox"})

    answer = csp.ContentSecurityPolicyMiddleware(view)(RequestFactory().get("/"))
    assert answer.headers["Content-Security-Policy"] == "sandbox"


def test_the_style_page_is_closed_to_strangers(client, db):
    answer = client.get(reverse("portal:style"))
    assert answer.status_code == 302
    assert reverse("account_login") in answer.url


def test_the_style_page_shows_messages_as_banners_of_their_state(signed_in):
    page = signed_in.get(reverse("portal:style"), {"messages": "1"}).text
    for state in ("ok", "soon", "bad"):
        assert f'<li class="banner {state}">' in page


def test_a_list_keeps_its_filters_when_it_is_paged_or_sorted(signed_in):
    page = signed_in.get(reverse("portal:style"), {"q": "azure", "page": "3", "sort": "name"}).text
    assert 'href="?q=azure&amp;page=4&amp;sort=name"' in page
    assert 'href="?q=azure&amp;sort=-name"' in page
    assert 'aria-sort="ascending"' in page


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_chosen_theme_stays(client, db, theme):
    back = client.post(reverse("portal:theme"), {"theme": theme, "next": "/accounts/login/"})
    assert back.url == "/accounts/login/"
    assert f'data-theme="{theme}"' in client.get("/accounts/login/").text


def test_the_theme_of_the_system_is_the_default_and_comes_back(client, db):
    assert "data-theme" not in client.get("/accounts/login/").text
    client.post(reverse("portal:theme"), {"theme": "dark"})
    client.post(reverse("portal:theme"), {"theme": "auto"})
    assert "data-theme" not in client.get("/accounts/login/").text


def test_a_theme_that_does_not_exist_is_refused_without_repeating_it(client, db):
    answer = client.post(reverse("portal:theme"), {"theme": "<script>"})
    assert answer.status_code == 400
    assert "<script>" not in answer.text


def test_a_cookie_with_another_theme_is_ignored(client, db):
    client.cookies[settings.THEME_COOKIE_NAME] = '"><script>'
    assert "data-theme" not in client.get("/accounts/login/").text


def test_theme_and_messages_bear_the_prefix_that_only_this_host_may_set(
    client, settings, signed_in
):
    over_https = sessions(environ.FileAwareEnv(), https=True)
    for name in ("SESSION_COOKIE_SECURE", "THEME_COOKIE_NAME", "MESSAGES_COOKIE_NAME"):
        setattr(settings, name, over_https[name])
    client.post(reverse("portal:theme"), {"theme": "dark"})
    assert 'data-theme="dark"' in client.get("/", secure=True).text
    client.post(reverse("portal:session-stay"))
    for name in ("__Host-theme", "__Host-messages"):
        cookie = client.cookies[name]
        # What a browser asks of the prefix (RFC 6265bis, 4.1.3.2), or it takes no such cookie.
        assert cookie["secure"]
        assert (cookie["path"], cookie["domain"]) == ("/", "")
    assert "You stay signed in." in client.get("/", secure=True).text
    gone = client.post(reverse("portal:theme"), {"theme": "auto"}).cookies["__Host-theme"]
    assert (gone.value, gone["max-age"], gone["secure"]) == ("", 0, True)


def test_the_theme_form_leads_to_no_other_site(client, db):
    answer = client.post(
        reverse("portal:theme"), {"theme": "dark", "next": "https://elsewhere.example/"}
    )
    assert "elsewhere" not in answer.url


def test_get_changes_no_theme(client, db):
    assert client.get(reverse("portal:theme")).status_code == 405


PLACES = [
    context.Place("Style", "tag", "portal:style"),
    context.Place("Secret", "lock", "portal:theme", "portal.view_user"),
    context.Place("Future", "star", "portal:not-built-yet"),
]


def test_the_side_shows_what_exists_and_what_the_person_may_open(monkeypatch, signed_in, ada):
    monkeypatch.setattr(context, "NAVIGATION", PLACES)
    page = signed_in.get(reverse("portal:style")).text
    assert 'aria-current="page">' in page
    assert "Style</a>" in page
    assert "Secret" not in page
    assert "Future" not in page
    ada.user_permissions.add(Permission.objects.get(codename="view_user"))
    assert "Secret</a>" in signed_in.get(reverse("portal:style")).text


def test_sign_in_works_with_e_mail_and_password(client, ada):
    answer = client.post(
        reverse("account_login"),
        {"login": "ADA@example.org", "password": PASSWORD, "next": reverse("portal:style")},
    )
    assert answer.url == reverse("portal:style")
    assert int(client.session["_auth_user_id"]) == ada.pk


def sign_in_error(client, email):
    page = client.post(reverse("account_login"), {"login": email, "password": "wrong"}).text
    found = re.search(r'<div class="summary".*?</div>', page, re.DOTALL)[0]
    return re.sub(r"\s+", " ", found)


def test_a_failed_sign_in_does_not_tell_whether_the_account_exists(client, ada):
    known, unknown = (sign_in_error(client, e) for e in ("ada@example.org", "bo@example.org"))
    assert known == unknown


def test_a_password_reset_does_not_tell_whether_the_account_exists(client, ada, mailoutbox):
    answers = [
        client.post(reverse("account_reset_password"), {"email": email}, follow=True)
        for email in ("ada@example.org", "bo@example.org")
    ]
    assert answers[0].redirect_chain == answers[1].redirect_chain
    assert "Look into your mail" in answers[0].text


def test_the_link_in_the_mail_sets_a_new_password(client, ada, mailoutbox):
    tasks.send_password_link(ada.pk)
    link = re.search(r"https?://[^/]+(/\S+)", mailoutbox[0].body)[1]
    page = client.get(link, follow=True)
    assert "Choose a new password" in page.text
    new = "another long enough sentence"
    client.post(page.request["PATH_INFO"], {"password1": new, "password2": new})
    ada.refresh_from_db()
    assert ada.check_password(new)
    assert "This link no longer works" in client.get(link, follow=True).text


@pytest.mark.parametrize("name", ["account_signup", "account_reset_password", "account_login"])
def test_the_other_doors_have_our_look(client, db, name):
    page = client.get(reverse(name)).text
    assert "Countersign" in page
    assert "css/tokens.css" in page


def test_password_change_stands_inside_the_layout(signed_in):
    assert 'class="shell"' in signed_in.get(reverse("account_change_password")).text


def test_signing_out_needs_a_post(signed_in):
    assert "Sign out?" in signed_in.get(reverse("account_logout")).text
    assert "_auth_user_id" in signed_in.session
    signed_in.post(reverse("account_logout"))
    assert "_auth_user_id" not in signed_in.session


def test_a_missing_page_says_so_in_our_look(signed_in):
    answer = signed_in.get("/no-such-page/")
    assert answer.status_code == 404
    assert "There is no such page" in answer.text
    assert "no-such-page" not in re.sub(r'name="next"[^>]*', "", answer.text)


class Sample(forms.Form):
    name = forms.CharField(help_text="As in the contract.")
    kind = forms.ChoiceField(choices=[("a", "A"), ("b", "B")], widget=forms.RadioSelect)
    day = forms.DateField(required=False)


def render(form):
    return Template("{{ form }}").render(Context({"form": form}))


def test_help_and_error_of_a_field_are_tied_to_its_input():
    html = render(Sample({"day": "x"}))
    assert 'aria-describedby="id_name_helptext id_name_error"' in html
    assert 'id="id_name_helptext"' in html
    assert 'id="id_name_error"' in html
    assert '<a href="#id_name">Name</a>' in html


def test_a_choice_is_a_group_with_a_legend_and_a_day_is_a_date_input():
    html = render(Sample())
    assert "<legend>Kind" in html
    assert 'type="date"' in html
    assert "There is a problem" not in html
    assert re.search(r"Day<span class=\"optional\">, optional", html)
