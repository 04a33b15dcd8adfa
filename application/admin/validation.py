"""Check a folder of model documents as a whole, before anything of it is applied."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from domain.documents import read_model
from domain.documents.fault import Fault, Severity
from domain.documents.store_fields import without_bookkeeping
from domain.model import ModelDocument
from domain.routing import strategy_of

Inspect = Callable[[ModelDocument, Mapping[str, object]], Iterable[Fault]]
"""A further check of one document: the entity, and the body that it was read from."""


@dataclass(frozen=True, slots=True)
class FileFault:
    """A fault and where it was found.

    Args:
        file: name of the file; empty = the folder as a whole.
        fault: what is wrong. In a file that holds a list, its field begins with the place in the list: ``[2].costs``.
    """

    file: str
    fault: Fault


@dataclass(frozen=True, slots=True)
class Validation:
    """Result of checking a folder.

    Args:
        files: number of files.
        documents: the bodies without the store's own fields; only to be used without errors.
        faults: every fault, in the order of the files.
    """

    files: int
    documents: tuple[Mapping[str, object], ...]
    faults: tuple[FileFault, ...]

    @property
    def errors(self) -> int:
        """Number of faults that keep a document out of service."""
        return sum(found.fault.severity is Severity.ERROR for found in self.faults)

    @property
    def warnings(self) -> int:
        """Number of faults that do not."""
        return len(self.faults) - self.errors


def validate(files: Iterable[tuple[str, object]], check: Inspect | None = None) -> Validation:
    """Check every document of a folder, and them together.

    Args:
        files: name and content of each file: one document, a list of documents, or an ``Unreadable``.
        check: what else to look at in a document that can serve.
    """
    content = list(files)
    faults: list[FileFault] = []
    bodies: list[Mapping[str, object]] = []
    models: list[tuple[str, str, ModelDocument]] = []
    first_with: dict[str, str] = {}
    for file, place, body in _documents(content):
        model, found = read_model(body)
        faults += [_at(file, place, fault) for fault in found]
        if not isinstance(body, Mapping):
            continue
        bodies.append(without_bookkeeping(body))
        document_id = body.get("id")
        if isinstance(document_id, str) and document_id:
            first = first_with.setdefault(document_id, f"{file}{place}")
            if first != f"{file}{place}":
                fault = Fault("id", f"is the id of the document in {first}, too", "an id of its own")
                faults.append(_at(file, place, fault))
        if model is not None:
            models.append((file, place, model))
            faults += [_at(file, place, fault) for fault in (check(model, body) if check else ())]
    faults += [_at(file, place, fault) for file, place, fault in (*_dangling(models), *_disagreeing(models))]
    if not content:
        faults.append(FileFault("", Fault("", "holds no .json file", "one file for each model document")))
    return Validation(len(content), tuple(bodies), tuple(faults))


def _documents(files: Sequence[tuple[str, object]]) -> Iterator[tuple[str, str, object]]:
    for name, content in files:
        if isinstance(content, list):
            yield from ((name, f"[{index}]", item) for index, item in enumerate(content))
        else:
            yield name, "", content


def _dangling(models: Sequence[tuple[str, str, ModelDocument]]) -> Iterator[tuple[str, str, Fault]]:
    known = {model.code for _, _, model in models} | {model.id for _, _, model in models}
    for file, place, model in models:
        for other in model.fallbacks:
            if other not in known:
                wrong = f"{other!r} is not a model of this folder"
                yield file, place, Fault("fallbacks", wrong, "the code of another document", Severity.WARNING)


def _disagreeing(models: Sequence[tuple[str, str, ModelDocument]]) -> Iterator[tuple[str, str, Fault]]:
    """Find documents whose ``routing`` has no effect, because another document of their code decides."""
    by_code: dict[str, list[ModelDocument]] = {}
    for _, _, model in models:
        by_code.setdefault(model.code, []).append(model)
    for file, place, model in models:
        strategy = strategy_of(by_code[model.code])
        if model.routing is not None and strategy is not None and model.routing is not strategy:
            wrong = f'is "{model.routing}", but another document of code {model.code!r} decides: "{strategy}"'
            yield file, place, Fault("routing", wrong, "one strategy for all documents of a code", Severity.WARNING)


def _at(file: str, place: str, fault: Fault) -> FileFault:
    field = f"{place}.{fault.field}" if place and fault.field else place + fault.field
    return FileFault(file, replace(fault, field=field))


def validation_as_json(validation: Validation) -> dict[str, object]:
    """Return the whole validation as JSON data."""
    return {
        "files": validation.files,
        "documents": len(validation.documents),
        "errors": validation.errors,
        "warnings": validation.warnings,
        "faults": [fault_as_json(found) for found in validation.faults],
    }


def fault_as_json(found: FileFault) -> dict[str, str]:
    """Return a fault as JSON data."""
    fault = found.fault
    return {
        "file": found.file,
        "field": fault.field,
        "wrong": fault.wrong,
        "expected": fault.expected,
        "severity": fault.severity.value,
    }
