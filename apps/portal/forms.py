"""The base of the forms: how they look. What they take is the services' business, which check it again."""

from typing import Any

from django import forms
from django.forms.renderers import TemplatesSetting

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
        for name, field in self.fields.items():
            widget = field.widget
            css = next((css for kind, css in _CLASSES if isinstance(widget, kind)), "")
            invalid = " is-invalid" if self.is_bound and name in self.errors else ""
            widget.attrs["class"] = f"{widget.attrs.get('class', '')} {css}{invalid}".strip()


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
