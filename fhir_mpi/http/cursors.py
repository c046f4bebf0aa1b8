"""Paging links: a position in the store, signed, bound to its search, good for a while."""

import hashlib
from dataclasses import dataclass
from typing import Final

from itsdangerous import BadSignature, SignatureExpired, URLSafeTimedSerializer

from fhir_mpi.fhir.outcome import ExpiredPage, InvalidRequest

SALT: Final = "fhir_mpi.page"


@dataclass(frozen=True, slots=True)
class Cursors:
    """Makes and reads the `_cursor` of paging links; `lifetime` in seconds."""

    secret: str
    lifetime: int

    def sign(self, position: str, search: str) -> str:
        """`search` is what the position belongs to: another search refuses the link."""
        return self._serializer.dumps([position, _digest(search)])

    def position(self, cursor: str, search: str) -> str:
        """Raises InvalidRequest for a forged link or one of another search, ExpiredPage for an old one."""
        try:
            position, digest = self._serializer.loads(cursor, max_age=self.lifetime)
        except SignatureExpired as error:
            raise ExpiredPage("this paging link has expired; search again") from error
        except BadSignature as error:
            raise InvalidRequest("this is not a paging link of this server") from error
        if digest != _digest(search):
            raise InvalidRequest("this paging link belongs to another search")
        return str(position)

    @property
    def _serializer(self) -> URLSafeTimedSerializer:
        return URLSafeTimedSerializer(self.secret, salt=SALT)


def _digest(search: str) -> str:
    return hashlib.blake2b(search.encode(), digest_size=12).hexdigest()
