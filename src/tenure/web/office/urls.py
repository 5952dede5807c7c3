"""Addresses of the back office."""

from django.urls import path

from tenure.web.office import (
    books,
    certificates,
    charging,
    disputes,
    invoices,
    keys,
    mail,
    orders,
    parked,
    partners,
    programme,
    renewals,
    splitting,
    statements,
    subscriptions,
    support,
    today,
    transfers,
    verifications,
)

app_name = "office"
urlpatterns = [
    path("", today.today, name="today"),
    path("partners/", partners.partners_list, name="partners"),
    path("partners/<int:id>/", partners.partner, name="partner"),
    *(
        path(f"partners/<int:id>/{verb}/", partners.act, {"verb": verb}, name=f"partner-{verb}")
        for verb in partners.ACTS
    ),
    path("verifications/", verifications.queue, name="verifications"),
    path("verifications/<int:id>/", verifications.verification, name="verification"),
    path("verifications/<int:id>/evidence/", verifications.evidence, name="verification-evidence"),
    path("transfers/", transfers.transfers, name="transfers"),
    path("transfers/<int:id>/", transfers.transfer, name="transfer"),
    path("transfers/<int:id>/match/", transfers.match, name="transfer-match"),
    path("transfers/<int:id>/hold/", transfers.hold, name="transfer-hold"),
    path("transfers/<int:id>/ignore/", transfers.ignore, name="transfer-ignore"),
    path("transfers/<int:id>/split/", splitting.split, name="transfer-split"),
    path("transfers/statements/", statements.statements, name="statements"),
    path("transfers/statements/<int:id>/", statements.statement, name="statement"),
    path("transfers/columns/<str:currency>/", statements.columns, name="columns"),
    path("transfers/proofs/<int:id>/", transfers.proof, name="proof"),
    path("certificates/", certificates.certificates, name="certificates"),
    path("certificates/withheld/<int:id>/", certificates.withheld, name="withheld"),
    path("certificates/withheld/<int:id>/file/", certificates.withheld_file, name="withheld-file"),
    path("certificates/exemption/<int:id>/", certificates.exemption, name="exemption"),
    path("certificates/exemption/<int:id>/file/", certificates.exemption_file, name="exemption-file"),
    path("subscriptions/", subscriptions.subscriptions, name="subscriptions"),
    path("orders/<str:number>/", orders.order, name="order"),
    path("support/", support.support_queue, name="support"),
    path("support/<str:number>/", support.support_request, name="request"),
    *(
        path(f"support/<str:number>/{verb}/", support.act, {"verb": verb}, name=f"request-{verb}")
        for verb in support.ACTS
    ),
    path("invoices/", invoices.invoices, name="invoices"),
    path("invoices/<str:number>.pdf", invoices.invoice_pdf, name="invoice-pdf"),
    path("invoices/<str:number>.xml", invoices.invoice_xml, name="invoice-xml"),
    path("books/", books.books, name="books"),
    path("books/compare/", books.compare, name="books-compare"),
    path("books/journal/", books.journal, name="books-journal"),
    path("books/close/<str:month>/", books.close, name="books-close"),
    path("disputes/", disputes.disputes, name="disputes"),
    path("charging/", charging.charging, name="charging"),
    path("charging/stop/", charging.stop, name="charging-stop"),
    path("charging/start/", charging.start, name="charging-start"),
    path("mail/", mail.mail, name="mail"),
    path("mail/<int:id>/", mail.letter, name="letter"),
    path("parked/", parked.parked, name="parked"),
    path("parked/<int:id>/retry/", parked.retry, name="parked-retry"),
    path("parked/tasks/<int:id>/close/", parked.close, name="task-close"),
    path("keys/", keys.keys, name="keys"),
    path("keys/<int:id>/replace/", keys.key_replace, name="key-replace"),
    path("keys/<int:id>/revoke/", keys.key_revoke, name="key-revoke"),
    path("programme/", programme.programme, name="programme"),
    path("runs/", renewals.runs, name="runs"),
    path("runs/<int:id>/", renewals.run, name="run"),
]
