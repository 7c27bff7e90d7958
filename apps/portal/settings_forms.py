"""Forms of system settings, made from their catalogue."""

import json
from collections.abc import Mapping
from typing import Any, get_args, get_origin, get_type_hints

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.audit.types import EVENT_TYPES
from apps.config.types import AUTH_SOURCES, SystemSettings, about, kind_of
from apps.portal.banner import Banner, banner_read, banner_write
from apps.portal.forms import PasswordField, PortalForm
from apps.portal.settings_table import CHOICES, LABELS, SECTIONS, Section
from apps.portal.sizes import LimitField

_ONE_LINE = 4096


class SettingsForm(PortalForm):
    """Some settings; ``locked`` are those that cannot be changed."""

    def __init__(self, *args: Any, locked: frozenset[str], **options: Any) -> None:
        super().__init__(*args, **options)
        for name, field in self.fields.items():
            field.disabled = name in locked

    @classmethod
    def starting(cls, values: Mapping[str, Any]) -> dict[str, Any]:
        """What the fields show of settings with these values; secrets are not among them."""
        return {name: values[name] for name in cls.base_fields if name in values}

    def changes(self) -> dict[str, Any]:
        """The settings that have other values now, as the service takes them; secrets where one was typed."""
        return {
            name: value
            for name, value in self.cleaned_data.items()
            if (value if kind_of(name).is_secret else value != self.initial.get(name))
        }


class BannerForm(SettingsForm):
    """The parts of the banner, of which the catalogue knows one text."""

    message = forms.CharField(
        label=_("Message"),
        max_length=2000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Everybody sees it on every page, and when signing in. Empty for no banner."),
    )
    type = forms.ChoiceField(
        label=_("Look"),
        choices=(
            ("info", _("information")),
            ("success", _("good news")),
            ("warning", _("warning")),
            ("danger", _("danger")),
        ),
    )
    closable = forms.BooleanField(label=_("Can be closed"), required=False)
    from_date = forms.DateField(
        label=_("First day (UTC)"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    to_date = forms.DateField(
        label=_("Last day (UTC)"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )

    @classmethod
    def starting(cls, values: Mapping[str, Any]) -> dict[str, Any]:
        """See :class:`SettingsForm`."""
        banner = banner_read(values["banner_message"])
        return {name: getattr(banner, name) for name in cls.base_fields}

    def clean(self) -> dict[str, Any]:
        """The last day is not before the first."""
        values = super().clean() or {}
        first, last = values.get("from_date"), values.get("to_date")
        if first and last and last < first:
            self.add_error("to_date", _("The last day is before the first."))
        return values

    def changes(self) -> dict[str, Any]:
        """See :class:`SettingsForm`."""
        return {"banner_message": banner_write(Banner(**self.cleaned_data))}


class _JsonField(forms.CharField):
    """A map, as JSON; whether it is any is for the catalogue to say."""

    def __init__(self, **options: Any) -> None:
        super().__init__(widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}), **options)

    def prepare_value(self, value: Any) -> Any:
        """A map as its text."""
        return value if isinstance(value, str) else json.dumps(value or {})


class _NamesField(forms.MultipleChoiceField):
    """Names of a list, which the setting has comma separated."""

    def __init__(self, **options: Any) -> None:
        super().__init__(widget=forms.CheckboxSelectMultiple(), **options)

    def prepare_value(self, value: Any) -> Any:
        """The text as the names in it."""
        return [name.strip() for name in value.split(",")] if isinstance(value, str) else value

    def clean(self, value: Any) -> str:
        """The text."""
        return ",".join(super().clean(value))


def locked_fields(form: type[SettingsForm], locked: frozenset[str]) -> frozenset[str]:
    """The fields of a form that show settings which cannot be changed."""
    if form is BannerForm:
        return frozenset(form.base_fields) if "banner_message" in locked else frozenset()
    return locked


def _field(name: str) -> forms.Field:
    options: dict[str, Any] = {
        "label": LABELS[name],
        "help_text": _(about(name).text),
        "required": False,
    }
    kind = kind_of(name)
    if name == "disabled_audit_log_event_types":
        help_text = _("What is ticked is not in the audit log.")
        return _NamesField(
            choices=[(name, name) for name in EVENT_TYPES], **options | {"help_text": help_text}
        )
    if name == "auth_sources":
        help_text = _("Several can be ticked. With none, people come from where the setting above says.")
        choices = [(source, CHOICES[source]) for source in AUTH_SOURCES]
        return _NamesField(choices=choices, **options | {"help_text": help_text})
    if kind.name == "Quota":
        return LimitField(label=options["label"])
    if kind.is_secret:
        help_text = _("Never shown. Empty to leave it as it is.")
        return PasswordField(new=True, **options | {"help_text": help_text})
    return _JsonField(**options) if kind.is_json else _plain_field(name, options)


def _plain_field(name: str, options: dict[str, Any]) -> forms.Field:
    """By the type and the bounds that the catalogue has."""
    annotation = get_type_hints(SystemSettings)[name]
    if get_origin(annotation) is not None:
        values = {str(value): value for value in get_args(annotation)}
        return forms.TypedChoiceField(
            choices=[(value, CHOICES[value]) for value in values.values()],
            coerce=lambda text: values[text],
            **options,
        )
    if annotation is bool:
        return forms.BooleanField(**options)
    if annotation is int:
        return forms.IntegerField(
            min_value=_bound(name, "ge"), max_value=_bound(name, "le"), **options | {"required": True}
        )
    longest = _bound(name, "max_length")
    widget = forms.Textarea(attrs={"rows": 6}) if longest > _ONE_LINE else forms.TextInput()
    return forms.CharField(max_length=longest, widget=widget, **options)


def _bound(name: str, kind: str) -> int:
    bounds = SystemSettings.model_fields[name].metadata
    return next(int(getattr(bound, kind)) for bound in bounds if hasattr(bound, kind))


def _form(section: Section) -> type[SettingsForm]:
    fields = {name: _field(name) for name in section.names}
    return type(f"{section.key}Form", (SettingsForm,), fields)


SETTINGS_FORMS: Mapping[str, type[SettingsForm]] = {
    section.key: BannerForm if section.key == "banner" else _form(section) for section in SECTIONS
}
"""The form of each section."""
