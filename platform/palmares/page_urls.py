"""The addresses of the pages."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from palmares.benchmarks import pages as benchmarks
from palmares.calibrations import pages as calibrations
from palmares.dashboards import pages as dashboards
from palmares.dashboards import panel_forms
from palmares.dashboards.home_page import home, robots
from palmares.help import pages as help_pages
from palmares.leaderboards import pages as leaderboards
from palmares.leaderboards import submission_pages as submissions
from palmares.runs import grid_pages, slice_pages
from palmares.runs import pages as runs
from palmares.shares import pages as shares
from palmares.shares.shared_page import shared, shared_panel, shared_panel_viewer
from palmares.subjects import pages as subjects
from palmares.teams import pages as teams
from palmares.uploads import pages as uploads

urlpatterns: list[URLPattern | URLResolver] = [
    path("", home, name="home"),
    path("robots.txt", robots, name="robots"),
    path("dashboards/", dashboards.dashboards, name="dashboards"),
    path("dashboards/<uuid:pk>/", dashboards.dashboard, name="dashboard"),
    path("dashboards/<uuid:pk>/change/", dashboards.change_dashboard, name="dashboard-change"),
    path("dashboards/<uuid:pk>/versions/", dashboards.versions, name="dashboard-versions"),
    path("dashboards/<uuid:pk>/panels/new/", panel_forms.new, name="dashboard-panel-new"),
    path("dashboards/<uuid:pk>/panels/<slug:panel>/", dashboards.panel, name="dashboard-panel"),
    path("dashboards/<uuid:pk>/panels/<slug:panel>/edit/", panel_forms.edit, name="dashboard-panel-edit"),
    path("subjects/", subjects.subjects, name="subjects"),
    path("subjects/<uuid:pk>/", subjects.subject, name="subject"),
    path("subjects/<uuid:pk>/delete/", subjects.delete_subject, name="subject-delete"),
    path("subjects/<uuid:pk>/calibrate/", calibrations.calibrate, name="subject-calibrate"),
    path("calibrations/<uuid:pk>/", calibrations.calibration, name="calibration"),
    path("calibrations/<uuid:pk>/change/", calibrations.change_calibration, name="calibration-change"),
    path("uploads/", uploads.uploads, name="uploads"),
    path("uploads/runs/", runs.run_methods, name="run-methods"),
    path("uploads/grid/", grid_pages.clip_grid, name="clip-grid"),
    path("uploads/sample/", runs.add_sample, name="upload-sample"),
    path("uploads/<uuid:pk>/", runs.upload, name="upload"),
    path("uploads/<uuid:pk>/delete/", uploads.delete_upload, name="upload-delete"),
    path("uploads/<uuid:pk>/change/", uploads.change_upload, name="upload-change"),
    path("uploads/<uuid:pk>/truth/", uploads.change_truth, name="upload-truth-change"),
    path("uploads/<uuid:pk>/runs/", runs.start_run, name="run-start"),
    path("uploads/<uuid:pk>/external/", runs.add_run, name="upload-add-run"),
    path("uploads/<uuid:pk>/view/", runs.viewer, name="viewer"),
    path("runs/<uuid:pk>/", runs.run, name="run"),
    path("runs/<uuid:pk>/slices/", slice_pages.slices, name="run-slices-page"),
    path("runs/<uuid:pk>/change/", runs.change_run, name="run-change"),
    path("help/", help_pages.help_page, name="help"),
    path("help/templates/<slug:protocol>/", help_pages.prediction_template, name="prediction-template"),
    path("benchmarks/", leaderboards.benchmarks, name="benchmarks"),
    path("benchmarks/<slug:slug>/", leaderboards.benchmark, name="benchmark"),
    path("benchmarks/<slug:slug>/settings/", benchmarks.benchmark_settings, name="benchmark-settings"),
    path("benchmarks/<slug:slug>/change/", benchmarks.change_benchmark, name="benchmark-change"),
    path("benchmarks/<slug:slug>/revisions/<uuid:pk>/retry/", leaderboards.retry_revision, name="revision-retry-page"),
    path("submissions/<uuid:pk>/", submissions.submission, name="submission"),
    path("submissions/<uuid:pk>/view/", submissions.open_in_viewer, name="submission-view"),
    path("submissions/<uuid:pk>/change/", submissions.change_submission, name="submission-change"),
    path("shares/", shares.share_links, name="share-links"),
    path("shares/new/", shares.new_share, name="share-new"),
    path("shares/<uuid:pk>/revoke/", shares.revoke_share, name="share-revoke"),
    path("shared/<str:token>/", shared, name="shared"),
    path("shared/<str:token>/panels/<slug:panel>/", shared_panel, name="shared-panel"),
    path("shared/<str:token>/panels/<slug:panel>/viewer/", shared_panel_viewer, name="shared-panel-viewer"),
    path("teams/", teams.new_team, name="team-new"),
    path("teams/choice/", teams.choose_team, name="team-choice"),
    path("teams/<uuid:pk>/", teams.team, name="team"),
    path("teams/<uuid:pk>/invite/", teams.invite, name="team-invite"),
    path("teams/<uuid:pk>/invitations/<uuid:invitation>/revoke/", teams.revoke, name="team-revoke"),
    path("teams/<uuid:pk>/members/<uuid:member>/", teams.member_change, name="team-member"),
    path("invitations/<str:token>/", teams.invitation, name="invitation"),
    path("account/", teams.account, name="account"),
    path("account/delete/", teams.delete_account, name="account-delete"),
    path("teams/<uuid:pk>/delete/", teams.delete_team, name="team-delete"),
    path("account/tokens/<uuid:pk>/delete/", teams.delete_token, name="token-delete"),
]
