"""Files that go with e-mails: what is taken, and what is refused with what to do."""

from __future__ import annotations

import io
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.content import documents
from gateway.content.documents import DOCX, PDF, DocumentError, check_together, checked
from gateway.messages import Attachment

A_PDF = b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer\n<< /Root 1 0 R >>\n%%EOF\n"


def zipped(*names: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as inside:
        for name in names:
            inside.writestr(name, "<x/>")
    return file.getvalue()


PROGRAMS = (
    b"/S /JavaScript /Root",
    b"/Java#53cript",
    b"/JS",
    b"/launch /Root",
    b"/AA<</O<</S/JavaScript>>>>",
)
A_DOCX = zipped("[Content_Types].xml", "_rels/.rels", "word/document.xml")


@pytest.mark.parametrize(
    ("name", "body", "media_type"),
    [
        ("办事指南.pdf", A_PDF, PDF),
        ("Guide (2).PDF", A_PDF, PDF),
        ("政策问答.docx", A_DOCX, DOCX),
    ],
)
def test_a_document_everybody_can_open_is_taken(name: str, body: bytes, media_type: str) -> None:
    assert checked(f" {name} ", body) == Attachment(name, media_type, body)


def _encrypted() -> bytes:
    """The same with the flag of an encrypted entry in both of its headers."""
    return A_DOCX.replace(b"PK\x03\x04\x14\x00\x00", b"PK\x03\x04\x14\x00\x01").replace(
        b"PK\x01\x02\x14\x03\x14\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01"
    )


@pytest.mark.parametrize(
    ("name", "body", "said"),
    [
        ("a.doc", b"\xd0\xcf\x11\xe0", "neither PDF nor DOCX"),
        ("a.docm", A_DOCX, "neither PDF nor DOCX"),
        ("a.exe", b"MZ", "neither PDF nor DOCX"),
        ("a.pdf", A_DOCX, "is no PDF"),
        ("a.pdf", b"", "is no PDF"),
        ("a.docx", A_PDF, "is no DOCX"),
        ("a.docx", A_DOCX[:-30], "is no DOCX"),
        ("a.docx", zipped("[Content_Types].xml", "xl/workbook.xml"), "is no DOCX"),
        ("a.pdf", A_PDF[:-6], "is cut off"),
        ("a.pdf", A_PDF.replace(b"/Root", b"/Encrypt 5 0 R /Root"), "has a password"),
        ("a.docx", b"\xd0\xcf\x11\xe0" + bytes(99), "has a password"),
        ("a.docx", _encrypted(), "has a password"),
        ("a.docx", zipped("[Content_Types].xml", "word/document.xml", "word/vbaProject.bin"), "holds macros"),
        ("a.docx", zipped("[Content_Types].xml", "word/activex/activeX1.bin"), "holds macros"),
        ("a.docx", zipped("[Content_Types].xml", "word/embeddings/oleObject1.bin"), "holds other files"),
        ("a.docx", zipped("[Content_Types].xml", "word/embeddings/Sheet1.xlsx"), "holds other files"),
        *(("a.pdf", A_PDF.replace(b"/Root", name), "holds a program") for name in PROGRAMS),
        ("a.pdf", A_PDF.replace(b"/Root", b"/Names<</EmbeddedFiles 9 0 R>>/Root"), "holds other files"),
        ("a.pdf", A_PDF.replace(b"/Root", b"/Type/Embedded#46ile /Root"), "holds other files"),
        ("a.pdf", A_PDF.ljust(documents.LARGEST + 1), "more than 5 MB"),
        (".pdf", A_PDF, "a name people can read"),
        ("pdf", A_PDF, "a name people can read"),
        ("../a.pdf", A_PDF, "a name people can read"),
        ("C:\\a.pdf", A_PDF, "a name people can read"),
        ("a\r\nX: y.pdf", A_PDF, "a name people can read"),
        ("fdp.\u202eexe.pdf", A_PDF, "a name people can read"),
        ("长" * 80 + ".pdf", A_PDF, "a name people can read"),
    ],
)
def test_anything_else_is_refused_with_what_to_do(name: str, body: bytes, said: str) -> None:
    """In both languages."""
    with pytest.raises(DocumentError, match=said) as refusal:
        checked(name, body)
    assert refusal.value.zh.endswith("。")
    assert refusal.value.en.endswith(".")


@pytest.mark.parametrize(
    "harmless",
    [
        b"/URI (https://12333.example.cn/js/launch)",
        rb"/Title (HTML \( /JS (/Encrypt) \) /JavaScript) /Next",
        b"/JSON /Launchpad /MyJavaScript /EncryptMetadata",
        b"<< /Length 20 >>\nstream\r\n(q /JS /Launch /Encrypt\nendstream",
        b"% made by (somebody\n",
    ],
)
def test_what_only_looks_like_a_program_is_taken(harmless: bytes) -> None:
    """Only names that stand in the open count: no text, no stream, no longer name."""
    body = A_PDF.replace(b"/Root", harmless + b" /Root")
    assert checked("a.pdf", body).body == body
    with pytest.raises(DocumentError, match="holds a program"):
        checked("a.pdf", body.replace(b" /Root", b" /JS /Root"))


def _files(*sizes: int) -> list[Attachment]:
    return [Attachment(f"{number}.pdf", PDF, bytes(size)) for number, size in enumerate(sizes)]


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (_files(1, 1, 1, 1, 1, 1), "at most 5 files"),
        (_files(*[4 * 2**20] * 3), "more than 10 MB"),
        ([Attachment("a.pdf", PDF, b"1"), Attachment("A.pdf", PDF, b"2")], "the same name"),
    ],
)
def test_what_is_too_much_together_is_refused(files: list[Attachment], said: str) -> None:
    with pytest.raises(DocumentError, match=said):
        check_together(files)
    check_together(files[:2] if said != "the same name" else files[:1])


@given(st.binary(max_size=200), st.sampled_from(["a.pdf", "a.docx"]), st.integers(0, len(A_DOCX)))
@settings(max_examples=100)
def test_no_file_makes_the_check_stumble(noise: bytes, name: str, place: int) -> None:
    """Whatever the bytes are, the answer is a document or a refusal."""
    for body in (noise, A_PDF + noise, A_DOCX[:place] + noise + A_DOCX[place + len(noise) :]):
        try:
            assert checked(name, body).body == body
        except DocumentError:
            continue
