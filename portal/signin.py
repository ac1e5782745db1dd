"""The form of the sign-in page."""

from allauth.account.forms import LoginForm


class SignInForm(LoginForm):
    """allauth's form without its placeholders, which repeat the labels, and its link."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].label = "E-mail"
        self.fields["password"].help_text = ""
        for field in self.fields.values():
            field.widget.attrs.pop("placeholder", None)
