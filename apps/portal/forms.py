"""The base of the forms: how they look. What they take is the services' business, which check it again."""

from typing import Any

from django import forms
from django.forms.renderers import TemplatesSetting
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.accounts.passwords import password_rule

_CLASSES: tuple[tuple[type[forms.Widget], str], ...] = (
    (forms.CheckboxSelectMultiple, "form-check-input"),
    (forms.RadioSelect, "form-check-input"),
    (forms.CheckboxInput, "form-check-input"),
    (forms.Select, "form-select"),
    (forms.Textarea, "form-control"),
    (forms.widgets.Input, "form-control"),
)


class PortalFormRenderer(TemplatesSetting):
    """Django's ``FORM_RENDERER``: forms and their fields as the design kit draws them."""

    form_template_name = "portal/forms/form.html"
    field_template_name = "portal/forms/field.html"


class PortalForm(forms.Form):
    """A form of the portal."""

    error_css_class = "is-invalid"
    required_css_class = "required"
    use_required_attribute = True

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **options})
        for field in self.fields.values():
            css = next((css for kind, css in _CLASSES if isinstance(field.widget, kind)), "")
            _add_class(field.widget, css)

    def add_error(self, field: str | None, error: Any) -> None:
        """As every form does; the field that is wrong shows it. Not before: subclasses still change their fields."""
        super().add_error(field, error)
        if field in self.fields:
            _add_class(self.fields[field].widget, "is-invalid")


def _add_class(widget: forms.Widget, css: str) -> None:
    widget.attrs["class"] = f"{widget.attrs.get('class', '')} {css}".strip()


class LinesField(forms.CharField):
    """Several texts, one on each line; its value is the list of them, without blanks around them and empty lines."""

    def __init__(self, *, rows: int = 3, **options: Any) -> None:
        widget = forms.Textarea(attrs={"rows": rows, "autocapitalize": "off", "spellcheck": "false"})
        super().__init__(widget=widget, required=False, **options)

    def prepare_value(self, value: Any) -> Any:
        """A list as its lines."""
        return "\n".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> list[str]:
        """The lines."""
        return [line.strip() for line in str(super().clean(value)).splitlines() if line.strip()]


class PasswordField(forms.CharField):
    """A password: hidden as it is typed, never sent back, not trimmed."""

    def __init__(self, *, new: bool = False, **options: Any) -> None:
        complete = "new-password" if new else "current-password"
        widget = forms.PasswordInput(attrs={"autocomplete": complete})
        super().__init__(widget=widget, strip=False, max_length=512, **options)


def password_rule_text() -> str:
    """What a new password must be, by the installation's policy."""
    shortest, needs_symbol = password_rule()
    text = (
        _("At least %(count)d characters, with capital letters, small letters, digits and symbols.")
        if needs_symbol
        else _("At least %(count)d characters, with capital letters, small letters and digits.")
    )
    return text % {"count": shortest}


class PasswordTwiceForm(PortalForm):
    """A new password: typed twice, as nobody can look at it again."""

    password = PasswordField(label=gettext_lazy("Password"), new=True)
    again = PasswordField(label=gettext_lazy("The password again"), new=True)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["password"].help_text = password_rule_text()

    def clean(self) -> dict[str, Any]:
        """Both have to be the same."""
        values = super().clean() or {}
        if {"password", "again"} <= values.keys() and values["password"] != values["again"]:
            self.add_error("again", _("The passwords are not the same."))
        return values
