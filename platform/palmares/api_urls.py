"""`/api/v1/`: every endpoint, but `events/`, which is answered before Django (`palmares.queue.event_streams`)."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path, register_converter
from django.urls.converters import StringConverter
from rest_framework.routers import SimpleRouter

from palmares.benchmarks.viewsets import (
    BenchmarkViewSet,
    BoardsView,
    CancelRevisionView,
    PublishRevisionView,
    RevisionsView,
    TruthsView,
)
from palmares.calibrations.viewsets import CalibrationFileView, CalibrationViewSet, SubjectCalibrationsView
from palmares.comments.viewsets import CommentViewSet
from palmares.dashboards.viewsets import (
    DashboardViewSet,
    ImagesView,
    ImageView,
    PanelView,
    RestoreVersionView,
    VersionComparisonView,
    VersionsView,
    VersionView,
)
from palmares.leaderboards.viewsets import ComparisonView, LeaderboardView, RevisionChangesView
from palmares.runs.run_files import FrameMeshView, PredictionFileView, SeriesView, TrackChunkView, TrackView
from palmares.runs.score_views import ScoreFramesView, ScoresView
from palmares.runs.slice_views import RunSlicesView
from palmares.runs.viewsets import MethodsView, RunViewSet
from palmares.shares.shared_files import (
    SharedImageView,
    SharedMediaView,
    SharedSeriesView,
    SharedTrackChunkView,
    SharedTrackView,
    SharedTruthTrackFileView,
    SharedTruthTrackView,
)
from palmares.shares.viewsets import ShareViewSet
from palmares.subjects.viewsets import HandShapeViewSet, SubjectViewSet
from palmares.submissions.pending_file_views import PendingFileCreationView, PendingFileView
from palmares.submissions.viewsets import (
    BenchmarkSubmissionsView,
    RetryRevisionView,
    SubmissionContentView,
    SubmissionFileView,
    SubmissionFramesView,
    SubmissionViewSet,
)
from palmares.teams.viewsets import AcceptInvitationView, InvitationViewSet, MemberViewSet, MeView, TeamViewSet, TokenViewSet
from palmares.uploads.hand_box_views import HandBoxViewSet
from palmares.uploads.truth_views import TruthTrackFileView, TruthTrackView, TruthView
from palmares.uploads.tus_views import TusCreationView, TusUploadView
from palmares.uploads.viewsets import UploadMediaView, UploadViewSet


class MeshExtension(StringConverter):
    """The formats of exported frames."""

    regex = "glb|obj|ply"


class MediaFile(StringConverter):
    """The files of an upload that are served."""

    regex = r"web\.mp4|poster\.jpg|filmstrip\.jpg|source"


class Drawing(StringConverter):
    """The files of a calibration that are served."""

    regex = r"hand\.glb|frame-[0-9]{2}\.jpg"


class ContentHash(StringConverter):
    """The name of a file that is named by its content."""

    regex = "[0-9a-f]{8,64}"


class FrameNumber(StringConverter):
    """A frame's index; as long as a frame's index can be."""

    regex = "[0-9]{1,9}"

    def to_python(self, value: str) -> int:  # type: ignore[override]
        return int(value)

    def to_url(self, value: int) -> str:  # type: ignore[override]
        return str(value)


for name, converter in (
    ("mesh", MeshExtension),
    ("media", MediaFile),
    ("drawing", Drawing),
    ("hash", ContentHash),
    ("frame", FrameNumber),
):
    register_converter(converter, name)

router = SimpleRouter(use_regex_path=False)
router.register("teams", TeamViewSet, basename="team")
router.register("teams/<uuid:team_id>/members", MemberViewSet, basename="member")
router.register("teams/<uuid:team_id>/invitations", InvitationViewSet, basename="invitation")
router.register("tokens", TokenViewSet, basename="token")
router.register("subjects", SubjectViewSet, basename="subject")
router.register("subjects/<uuid:subject_id>/hand-shapes", HandShapeViewSet, basename="hand-shape")
router.register("uploads", UploadViewSet, basename="upload")
router.register("uploads/<uuid:upload_id>/comments", CommentViewSet, basename="comment")
router.register("uploads/<uuid:upload_id>/boxes", HandBoxViewSet, basename="hand-box")
router.register("runs", RunViewSet, basename="run")
router.register("calibrations", CalibrationViewSet, basename="calibration")
router.register("benchmarks", BenchmarkViewSet, basename="benchmark")
router.register("submissions", SubmissionViewSet, basename="submission")
router.register("dashboards", DashboardViewSet, basename="dashboard")
router.register("shares", ShareViewSet, basename="share")

urlpatterns: list[URLPattern | URLResolver] = [
    path("me/", MeView.as_view(), name="me"),
    path("invitations/accept/", AcceptInvitationView.as_view(), name="invitation-accept"),
    path("methods/", MethodsView.as_view(), name="methods"),
    path("uploads/tus/", TusCreationView.as_view(), name="upload-tus-create"),
    path("uploads/tus/<uuid:pk>/", TusUploadView.as_view(), name="upload-tus"),
    path("uploads/<uuid:pk>/media/<media:file>", UploadMediaView.as_view(), name="upload-media"),
    path("uploads/<uuid:pk>/truth/", TruthView.as_view(), name="upload-truth"),
    path("uploads/<uuid:pk>/truth/track/", TruthTrackView.as_view(), name="upload-truth-track"),
    path("uploads/<uuid:pk>/truth/track/<hash:name>.bin", TruthTrackFileView.as_view(), name="upload-truth-track-file"),
    path("runs/<uuid:pk>/prediction/", PredictionFileView.as_view(), name="run-prediction"),
    path("runs/<uuid:pk>/track/", TrackView.as_view(), name="run-track"),
    path("runs/<uuid:pk>/track/<hash:name>.bin", TrackChunkView.as_view(), name="run-track-chunk"),
    path("runs/<uuid:pk>/series/", SeriesView.as_view(), name="run-series"),
    path("runs/<uuid:pk>/scores/", ScoresView.as_view(), name="run-scores"),
    path("runs/<uuid:pk>/scores/frames/", ScoreFramesView.as_view(), name="run-score-frames"),
    path("runs/<uuid:pk>/slices/", RunSlicesView.as_view(), name="run-slices"),
    path("runs/<uuid:pk>/frames/<frame:frame>.<mesh:extension>", FrameMeshView.as_view(), name="run-frame"),
    path("subjects/<uuid:subject_id>/calibrations/", SubjectCalibrationsView.as_view(), name="subject-calibrations"),
    path("calibrations/<uuid:pk>/files/<drawing:drawing>", CalibrationFileView.as_view(), name="calibration-file"),
    path("benchmarks/<slug:slug>/boards/", BoardsView.as_view(), name="benchmark-boards"),
    path("benchmarks/<slug:slug>/truths/", TruthsView.as_view(), name="benchmark-truths"),
    path("benchmarks/<slug:slug>/revisions/", RevisionsView.as_view(), name="benchmark-revisions"),
    path("benchmarks/<slug:slug>/leaderboard/", LeaderboardView.as_view(), name="benchmark-leaderboard"),
    path("benchmarks/<slug:slug>/comparison/", ComparisonView.as_view(), name="benchmark-comparison"),
    path("benchmarks/<slug:slug>/submissions/", BenchmarkSubmissionsView.as_view(), name="benchmark-submissions"),
    path("dashboards/<uuid:pk>/panels/<slug:panel>/", PanelView.as_view(), name="dashboard-panel-data"),
    path("dashboards/<uuid:pk>/images/", ImagesView.as_view(), name="dashboard-images"),
    path("dashboards/<uuid:pk>/images/<uuid:image>/", ImageView.as_view(), name="dashboard-image"),
    path("dashboards/<uuid:pk>/versions/", VersionsView.as_view(), name="dashboard-version-list"),
    path("dashboards/<uuid:pk>/versions/comparison/", VersionComparisonView.as_view(), name="dashboard-version-comparison"),
    path("dashboards/<uuid:pk>/versions/<int:number>/", VersionView.as_view(), name="dashboard-version"),
    path("dashboards/<uuid:pk>/versions/<int:number>/restore/", RestoreVersionView.as_view(), name="dashboard-version-restore"),
    path("predictions/tus/", PendingFileCreationView.as_view(), name="prediction-tus-create"),
    path("predictions/tus/<uuid:pk>/", PendingFileView.as_view(), name="prediction-tus"),
    path("revisions/<uuid:pk>/changes/", RevisionChangesView.as_view(), name="revision-changes"),
    path("revisions/<uuid:pk>/publish/", PublishRevisionView.as_view(), name="revision-publish"),
    path("revisions/<uuid:pk>/retry/", RetryRevisionView.as_view(), name="revision-retry"),
    path("revisions/<uuid:pk>/cancel/", CancelRevisionView.as_view(), name="revision-cancel"),
    path("shared/<str:token>/images/<uuid:pk>/", SharedImageView.as_view(), name="shared-image"),
    path("shared/<str:token>/media/<uuid:pk>/<media:file>", SharedMediaView.as_view(), name="shared-media"),
    path("shared/<str:token>/runs/<uuid:pk>/track/", SharedTrackView.as_view(), name="shared-run-track"),
    path(
        "shared/<str:token>/runs/<uuid:pk>/track/<hash:name>.bin", SharedTrackChunkView.as_view(), name="shared-run-track-chunk"
    ),
    path("shared/<str:token>/truth/<uuid:pk>/track/", SharedTruthTrackView.as_view(), name="shared-truth-track"),
    path(
        "shared/<str:token>/truth/<uuid:pk>/track/<hash:name>.bin",
        SharedTruthTrackFileView.as_view(),
        name="shared-truth-track-file",
    ),
    path("shared/<str:token>/runs/<uuid:pk>/series/", SharedSeriesView.as_view(), name="shared-run-series"),
    path("submissions/<uuid:pk>/file/", SubmissionFileView.as_view(), name="submission-file"),
    path("submissions/<uuid:pk>/content/", SubmissionContentView.as_view(), name="submission-content"),
    path("submissions/<uuid:pk>/frames/", SubmissionFramesView.as_view(), name="submission-frames"),
    *router.urls,
]
