"""Who looks at a dashboard, and what of its team's things they see with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import QueryDict

from ml.catalog import METRICS
from palmares.benchmarks.models import Benchmark
from palmares.dashboards.content import ALIGNMENTS, clean_filters
from palmares.runs.models import Run
from palmares.teams.models import Team, User, Visitor
from palmares.uploads.models import Upload


@dataclass(frozen=True)
class Filters:
    """What a dashboard is narrowed to. Empty: everything.

    Attributes:
        subjects, uploads: ids.
        methods: names of the catalogue or of external methods.
        slice: slug of the board that benchmark panels show.
        alignment: name of `ALIGNMENTS`; empty: what each panel names.
    """

    subjects: tuple[str, ...] = ()
    uploads: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    slice: str = ""
    alignment: str = ""

    @classmethod
    def of_query(cls, query: QueryDict | None, usual: Mapping[str, Any]) -> Filters:
        """Those of a page's address; what it does not name is as the dashboard was saved.

        Ids and names come with commas between them, or as one parameter each.

        Raises:
            InvalidError: as `clean_filters`.
        """
        query = QueryDict() if query is None else query
        lists = {
            name: [part for part in ",".join(query.getlist(name)).split(",") if part] if name in query else usual.get(name, [])
            for name in ("subjects", "uploads", "methods")
        }
        texts = {name: query[name] if name in query else usual.get(name, "") for name in ("slice", "alignment")}
        cleaned = clean_filters({**lists, **texts})
        return cls(
            subjects=tuple(cleaned["subjects"]),
            uploads=tuple(cleaned["uploads"]),
            methods=tuple(cleaned["methods"]),
            slice=cleaned["slice"],
            alignment=cleaned["alignment"],
        )

    @property
    def query(self) -> str:
        """As a query string that names all of them."""
        lists = {name: ",".join(getattr(self, name)) for name in ("subjects", "uploads", "methods")}
        return urlencode({**lists, "slice": self.slice, "alignment": self.alignment})

    @property
    def narrows_runs(self) -> bool:
        """Whether they leave out any run."""
        return bool(self.subjects or self.uploads or self.methods)

    def aligned(self, metric: str) -> str:
        """A metric under the chosen alignment, where it has one."""
        name, at, curve = metric.partition("@")
        if not self.alignment:
            return metric
        prefixes = sorted((prefix for prefix, _ in ALIGNMENTS.values() if prefix), key=len, reverse=True)
        base = next((name.removeprefix(prefix) for prefix in prefixes if name.startswith(prefix)), name)
        other = ALIGNMENTS[self.alignment][0] + base
        return f"{other}{at}{curve}" if other in METRICS else metric


@dataclass(frozen=True)
class Access:
    """Who looks.

    Attributes:
        team: whose dashboard it is; their runs are what panels show.
        user: who is signed in; None for the holder of a share link.
        names: whether names of subjects and uploads are shown.
        truth: whether the true hands of uploads are shown, beside errors by them.
        filters: what is narrowed to.
    """

    team: Team
    user: User | None
    names: bool = True
    truth: bool = True
    filters: Filters = field(default_factory=Filters)

    @property
    def is_shared(self) -> bool:
        return self.user is None

    def runs(self) -> QuerySet[Run]:
        """The team's runs, narrowed by the filters."""
        found = Run.objects.filter(upload__subject__team=self.team)
        if self.filters.subjects:
            found = found.filter(upload__subject_id__in=self.filters.subjects)
        if self.filters.uploads:
            found = found.filter(upload_id__in=self.filters.uploads)
        return found.filter(method__in=self.filters.methods) if self.filters.methods else found

    def benchmark(self, slug: str) -> Benchmark | None:
        """A benchmark that may be shown; a share link shows those of its team and those on the web."""
        if self.user is not None:
            found = Benchmark.objects.visible_to(self.user)
        else:
            found = Benchmark.objects.filter(Q(team=self.team) | Q(visibility=Benchmark.Visibility.WEB))
        return found.select_related("team").prefetch_related("boards").filter(slug=slug).first()

    def person_for(self, benchmark: Benchmark) -> User | Visitor:
        """As whom a benchmark's board is looked at."""
        return self.user or Visitor(benchmark=benchmark.pk, team=self.team.pk)

    def uploads(self) -> QuerySet[Upload]:
        """The team's uploads."""
        return Upload.objects.filter(subject__team=self.team)

    def upload_names(self, uploads: Mapping[UUID, str]) -> dict[UUID, str]:
        """How uploads are called: by name, or numbered where names are hidden."""
        if self.names:
            return dict(uploads)
        return {pk: f"Clip {number}" for number, pk in enumerate(uploads, start=1)}
