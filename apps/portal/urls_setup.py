"""Addresses of setting up and of one's own pages. Fixed words come before `<pk>` patterns."""

from __future__ import annotations

from django.urls import URLPattern, path

from apps.portal.views import integrations, join, mailbox, people, presets, profile, site, welcome

urlpatterns: list[URLPattern] = [
    path("welcome/", welcome.welcome, name="welcome"),
    path("setup/", welcome.setup, name="setup"),
    path("join/<str:token>/", join.join, name="join"),
    path("people/", people.people, name="people"),
    path("people/invite/", people.invite, name="invite"),
    path("people/import/", people.import_table, name="import"),
    path("people/<int:pk>/invite/", people.invite_again, name="invite_again"),
    path("schedules/new/", presets.rotation, name="rotation_preset"),
    path("integrations/new/", presets.integration, name="integration_new"),
    path("integrations/", integrations.integrations, name="integrations"),
    path("integrations/<int:pk>/", integrations.integration, name="integration"),
    path(
        "integrations/<int:pk>/deliveries/<int:delivery>/replay/",
        integrations.delivery_replay,
        name="integration_replay",
    ),
    path("integrations/<int:pk>/<slug:do>/", integrations.integration_act, name="integration_act"),
    path("profile/", profile.profile, name="profile"),
    path("profile/methods/", profile.add_method, name="profile_methods"),
    path("profile/methods/<int:pk>/", profile.method, name="profile_method"),
    path("profile/methods/<int:pk>/code/", profile.resend, name="profile_resend"),
    path("profile/methods/<int:pk>/remove/", profile.remove, name="profile_remove"),
    path("profile/methods/<int:pk>/test/", profile.send_test, name="profile_test"),
    path("profile/rules/<str:urgency>/", profile.rules, name="profile_rules"),
    path("profile/quiet/", profile.quiet, name="profile_quiet"),
    path("profile/test-page/<str:token>/", profile.test_page, name="test_page"),
    path("mailbox/", mailbox.mailbox, name="mailbox"),
    path("mailbox/<int:pk>/", mailbox.mailbox, name="mailbox_message"),
    path("mailbox/<int:pk>/html/", mailbox.mailbox_html, name="mailbox_html"),
    path("site/", site.site, name="site"),
    path("site/accounts/<str:channel>/", site.save_account, name="site_account"),
    path("site/demo/", site.demo, name="site_demo"),
]
