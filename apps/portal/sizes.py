"""A limit in bytes, typed as a number with a unit; nothing typed is no limit."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

NO_LIMIT = -1
_UNITS = (("1", "B"), ("1024", "KiB"), ("1048576", "MiB"), ("1073741824", "GiB"), ("1099511627776", "TiB"))
_USUAL = "1073741824"


class _LimitWidget(forms.MultiWidget):
    template_name = "portal/forms/limit.html"
    use_fieldset = False

    def __init__(self) -> None:
        number = forms.NumberInput(attrs={"class": "form-control", "min": "1", "step": "1"})
        unit = forms.Select(
            choices=_UNITS,
            attrs={"class": "form-select limit-unit", "aria-label": gettext_lazy("Unit")},
        )
        super().__init__({"number": number, "unit": unit})

    def id_for_label(self, id_: str) -> str:
        """The label is that of the number."""
        return f"{id_}_number" if id_ else id_

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        """As any widget of several, with ids that say which is which, and their own classes besides the field's."""
        context: dict[str, Any] = super().get_context(name, value, attrs)
        parts = zip(context["widget"]["subwidgets"], self.widgets, ("number", "unit"), strict=True)
        for part, widget, suffix in parts:
            part["attrs"]["id"] = f"{attrs['id']}_{suffix}"
            part["attrs"]["class"] = f"{widget.attrs['class']} {self.attrs.get('class', '')}".strip()
        return context

    def decompress(self, value: Any) -> list[str]:
        """In the largest unit of which it is a whole number."""
        if not value or value == NO_LIMIT:
            return ["", _USUAL]
        factor = next(factor for factor, _name in reversed(_UNITS) if value % int(factor) == 0)
        return [str(value // int(factor)), factor]


class LimitField(forms.MultiValueField):
    """Its value is a number of bytes, -1 for no limit."""

    def __init__(self, **options: Any) -> None:
        fields = (
            forms.IntegerField(required=False, min_value=1, max_value=2**53),
            forms.ChoiceField(choices=_UNITS, required=False),
        )
        super().__init__(
            fields=fields,
            widget=_LimitWidget(),
            required=False,
            require_all_fields=False,
            **{"help_text": gettext_lazy("Empty for no limit."), **options},
        )

    def compress(self, data_list: Any) -> int:
        """Bytes."""
        if not data_list or not data_list[0]:
            return NO_LIMIT
        if not data_list[1]:
            raise forms.ValidationError(_("Choose a unit."))
        return int(data_list[0]) * int(data_list[1])
