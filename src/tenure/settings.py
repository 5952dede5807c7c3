"""Settings: read from the environment once, nothing else. The names are fixed in ``product.md``."""

import os
import sys
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

HERE = Path(__file__).resolve().parent
DATA_DIR = Path(os.environ.get("TENURE_DATA_DIR", ".data")).resolve()
TENURE_DEMO = os.environ.get("TENURE_DEMO") == "1"
TENURE_PORT = int(os.environ.get("TENURE_PORT", "8000"))
TENURE_BASE_URL = os.environ.get("TENURE_BASE_URL", f"http://127.0.0.1:{TENURE_PORT}").rstrip("/")
TENURE_WIRING = "tenure.wiring"
TENURE_DEMO_GATEWAY_URL = os.environ.get("TENURE_DEMO_GATEWAY_URL", "http://127.0.0.1:8001")
TENURE_DEMO_GATEWAY_SECRET = os.environ.get("TENURE_DEMO_GATEWAY_SECRET", "demo")

TENURE_STRIPE_SECRET_KEY = os.environ.get("TENURE_STRIPE_SECRET_KEY", "")
# Two while the secret is being changed.
TENURE_STRIPE_WEBHOOK_SECRETS = [
    word for part in os.environ.get("TENURE_STRIPE_WEBHOOK_SECRET", "").split(",") if (word := part.strip())
]
TENURE_STRIPE_API_BASE = os.environ.get("TENURE_STRIPE_API_BASE", "https://api.stripe.com").rstrip("/")
# Where a form may lead besides to ourselves: the page on which a card is typed.
TENURE_CARD_PAGES: list[str] = []
if TENURE_STRIPE_SECRET_KEY:
    TENURE_CARD_PAGES = ["https://checkout.stripe.com"]
    if TENURE_STRIPE_API_BASE != "https://api.stripe.com":
        TENURE_CARD_PAGES = ["/".join(TENURE_STRIPE_API_BASE.split("/")[:3])]

if TENURE_DEMO and TENURE_STRIPE_SECRET_KEY.startswith(("sk_live", "rk_live")):
    sys.exit("TENURE_DEMO=1 is refused beside a live payment key.")

# Without the secret no doorbell can be believed, and the gateway is only asked: slower, so somebody has to want it.
TENURE_STRIPE_POLLING = os.environ.get("TENURE_STRIPE_POLLING") == "1"
if TENURE_STRIPE_SECRET_KEY and not (TENURE_DEMO or TENURE_STRIPE_WEBHOOK_SECRETS or TENURE_STRIPE_POLLING):
    sys.exit(
        "TENURE_STRIPE_SECRET_KEY is set without TENURE_STRIPE_WEBHOOK_SECRET: set the endpoint's signing secret, or "
        "TENURE_STRIPE_POLLING=1 to go without notices and only ask."
    )

# Where this process is to die, as a power cut would end it (plumbing/crash.py).
TENURE_CRASH_AT = os.environ.get("TENURE_CRASH_AT", "")
if TENURE_CRASH_AT and not TENURE_DEMO:
    sys.exit("TENURE_CRASH_AT is refused outside a demonstration.")

# Webhooks leave by these ports only, and are believed by the system's certificates or by those of a file.
TENURE_WEBHOOK_PORTS = [int(word) for word in os.environ.get("TENURE_WEBHOOK_PORTS", "443,8443").split(",")]
TENURE_WEBHOOK_CA = os.environ.get("TENURE_WEBHOOK_CA", "")
# A demonstration may send to this machine itself; anywhere else that would be a way in.
TENURE_WEBHOOK_LOOPBACK = os.environ.get("TENURE_WEBHOOK_LOOPBACK") == "1"
if TENURE_WEBHOOK_LOOPBACK and not TENURE_DEMO:
    sys.exit("TENURE_WEBHOOK_LOOPBACK is refused outside a demonstration.")

DEBUG = False
SECRET_KEY = os.environ.get("TENURE_SECRET_KEY", "")
if not SECRET_KEY:
    if not TENURE_DEMO:
        sys.exit("Set TENURE_SECRET_KEY to a random text of at least 50 characters.")
    SECRET_KEY = "demonstration-only-" * 4
# Earlier secret keys, while the key is being changed: what they signed or sealed is still read.
SECRET_KEY_FALLBACKS = [
    word for part in os.environ.get("TENURE_SECRET_KEY_FALLBACKS", "").split(",") if (word := part.strip())
]
# Keys of their own for sealed values, the newest first (plumbing/sealed.py).
TENURE_FIELD_KEYS = os.environ.get("TENURE_FIELD_KEYS", "")


def _database() -> dict:
    url = os.environ.get("TENURE_DATABASE_URL")
    if not url:
        from tenure.plumbing import embedded

        url = embedded.database_url(DATA_DIR)
    parts = conninfo_to_dict(url)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.pop("dbname", "tenure"),
        "USER": parts.pop("user", ""),
        "PASSWORD": parts.pop("password", ""),
        "HOST": parts.pop("host", ""),
        "PORT": parts.pop("port", ""),
        "CONN_MAX_AGE": 0,
        "CONN_HEALTH_CHECKS": False,
        "OPTIONS": {
            **parts,
            "pool": {"min_size": 0, "max_size": 8, "timeout": 10},
            "options": "-c timezone=UTC -c lock_timeout=5s -c idle_in_transaction_session_timeout=60s",
        },
    }


DATABASES = {"default": _database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
ATOMIC_REQUESTS = False

ALLOWED_HOSTS = ["*"] if TENURE_DEMO else [TENURE_BASE_URL.split("//")[-1].split(":")[0], "127.0.0.1", "localhost"]
CSRF_TRUSTED_ORIGINS = [TENURE_BASE_URL]
ROOT_URLCONF = "tenure.urls"
AUTH_USER_MODEL = "people.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
SITE_ID = None

CAPABILITIES = [
    "tenure.plumbing",
    "tenure.programme",
    "tenure.people",
    "tenure.partners",
    "tenure.webhooks",
    "tenure.enrolment",
    "tenure.payments",
    "tenure.billing",
    "tenure.memberships",
    "tenure.competencies",
    "tenure.benefits",
    "tenure.purchases",
    "tenure.renewals",
    "tenure.support",
]
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "procrastinate.contrib.django",
    *CAPABILITIES,
    "tenure.web.shared",
]
MIDDLEWARE = [
    "tenure.web.shared.requests.Requests",
    "tenure.web.shared.headers.Headers",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "tenure.web.shared.sign_in_visits.Visits",
    "allauth.account.middleware.AccountMiddleware",
    "tenure.web.shared.pages.Shell",
    "tenure.web.shared.card_data.CardData",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [
            HERE / "web/shared/templates",
            HERE / "web/api/templates",
            HERE / "web/portal/templates",
            HERE / "web/office/templates",
        ],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.messages.context_processors.messages",
                "tenure.web.shared.pages.context",
            ],
        },
    }
]

# How many requests an API key has in a minute.
TENURE_API_PER_MINUTE = int(os.environ.get("TENURE_API_PER_MINUTE", "600"))

STATIC_URL = "/static/"
STATICFILES_DIRS: list[str] = []
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
FILE_UPLOAD_HANDLERS = [
    "tenure.web.shared.uploads.Bounded",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("zh-hant", "繁體中文")]
LOCALE_PATHS = [HERE / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("name", "email")},
    },
]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_ADAPTER = "tenure.web.shared.sign_in.Adapter"
ACCOUNT_SESSION_REMEMBER = False
# We count ourselves, in the database and before a password is looked at (people/limits.py).
ACCOUNT_RATE_LIMITS = MFA_RATE_LIMITS = False
ACCOUNT_REAUTHENTICATION_TIMEOUT = 15 * 60
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_LOGIN_BY_CODE_ENABLED = True
ACCOUNT_LOGIN_BY_CODE_TIMEOUT = 10 * 60
ACCOUNT_LOGIN_BY_CODE_MAX_ATTEMPTS = 3
ACCOUNT_PASSWORD_RESET_TOKEN_GENERATOR = "django.contrib.auth.tokens.PasswordResetTokenGenerator"
PASSWORD_RESET_TIMEOUT = 60 * 60
ACCOUNT_FORMS = {
    "reset_password": "tenure.web.shared.sign_in_forms.ResetForm",
    "reset_password_from_key": "tenure.web.shared.sign_in_forms.ResetKeyForm",
    "change_password": "tenure.web.shared.sign_in_forms.ChangeForm",
    "set_password": "tenure.web.shared.sign_in_forms.SetForm",
    "request_login_code": "tenure.web.shared.sign_in_forms.LoginCodeForm",
}
MFA_ADAPTER = "tenure.web.shared.sign_in_factors.Factors"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_RECOVERY_CODE_DIGITS = 10
MFA_TOTP_TOLERANCE = 1
MFA_FORMS = {
    "authenticate": "tenure.web.shared.sign_in_factors.CodeForm",
    "reauthenticate": "tenure.web.shared.sign_in_factors.CodeAgainForm",
    "activate_totp": "tenure.web.shared.sign_in_factors.SetUpForm",
}
# Signing in by OpenID Connect for everybody of this installation; a company sets up its own on a page.
TENURE_OIDC_ISSUER = os.environ.get("TENURE_OIDC_ISSUER", "")
TENURE_OIDC_CLIENT_ID = os.environ.get("TENURE_OIDC_CLIENT_ID", "")
TENURE_OIDC_CLIENT_SECRET = os.environ.get("TENURE_OIDC_CLIENT_SECRET", "")
TENURE_OIDC_NAME = os.environ.get("TENURE_OIDC_NAME", "OpenID Connect")
# A demonstration is joined by test after test; everywhere else an address enrols few companies an hour.
SIGN_UPS_LIMITED = not TENURE_DEMO
# The same of buying, exporting and searching (web/shared/pace.py).
PAGES_PACED = not TENURE_DEMO
# Whose word about where a request comes from is taken: the addresses or networks of one's own proxies.
TENURE_TRUSTED_PROXIES = [
    word for part in os.environ.get("TENURE_TRUSTED_PROXIES", "").split(",") if (word := part.strip())
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_LOGOUT_REDIRECT_URL = "/accounts/login/"

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
SECURE_COOKIES = TENURE_BASE_URL.startswith("https:")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = SECURE_COOKIES
# The prefix binds a cookie to this very host, over TLS alone: no neighbour under the same domain can set it.
_HOST = "__Host-" if SECURE_COOKIES else ""
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = f"{_HOST}sessionid", f"{_HOST}csrftoken"
LANGUAGE_COOKIE_NAME, KNOWN_DEVICE_COOKIE_NAME = f"{_HOST}language", f"{_HOST}device"
SESSION_COOKIE_AGE = 7 * 24 * 60 * 60
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "strict-origin-when-cross-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SECURE_HSTS_SECONDS = 365 * 24 * 60 * 60 if SECURE_COOKIES else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = SECURE_COOKIES
# Who ends TLS sends plain requests on to https; Tenure itself never sees one of them.
SILENCED_SYSTEM_CHECKS = ["security.W008"]

EMAIL_URL = os.environ.get("TENURE_EMAIL_URL", "")
if EMAIL_URL.startswith("smtp"):
    from urllib.parse import unquote, urlsplit

    _mail = urlsplit(EMAIL_URL)
    EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    EMAIL_HOST, EMAIL_PORT = _mail.hostname, _mail.port or 587
    EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = unquote(_mail.username or ""), unquote(_mail.password or "")
    EMAIL_USE_TLS = _mail.scheme == "smtp+tls"
else:
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = str(DATA_DIR / "mail")
DEFAULT_FROM_EMAIL = os.environ.get("TENURE_EMAIL_FROM", "Tenure <no-reply@tenure.example>")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "tenure.plumbing.logs.formatter"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    # Every request is one line already; Django adds its own only where something broke.
    "loggers": {"tenure": {"level": "INFO"}, "django.request": {"level": "ERROR"}},
}
