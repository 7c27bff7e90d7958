"""What the installation holds and how it is used, over time."""

from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils.translation import gettext as _

from apps.catalog.statistics import statistics
from apps.portal.usage import SPANS, span_asked, usage_charts
from apps.portal.views import PortalView
from apps.quotas.selectors import quota_use
from apps.usage.selectors import largest_projects, usage_of_everything

_LARGEST = 10


class StatisticsPage(PortalView):
    """``/harbor/statistics``."""

    template = "portal/statistics.html"
    resource_type = "quota"

    def get(self, request: HttpRequest) -> HttpResponse:
        """The charts."""
        days = span_asked(request)
        points = usage_of_everything(actor=self.actor, days=days)
        largest = largest_projects(actor=self.actor, most=_LARGEST)
        use = quota_use(actor=self.actor)
        bands = {
            _("no limit"): use.unlimited,
            _("less than 50 %"): use.low,
            _("50 to 85 %"): use.middle,
            _("85 to 100 %"): use.high,
            _("full"): use.full,
        }
        return self.render(
            title=_("Statistics"),
            usage=usage_charts(points),
            days=days,
            spans=SPANS,
            statistics=statistics(actor=self.actor),
            artifact_count=points[-1].artifact_count if points else None,
            largest=largest,
            largest_names=[quota.project.name for quota in largest],
            largest_series={_("Storage"): [quota.used for quota in largest]},
            quota_names=list(bands),
            quota_series={_("Projects"): list(bands.values())},
        )


urlpatterns = [path("harbor/statistics", StatisticsPage.as_view(), name="statistics")]
