"""The query for messages by their words, which every service with logs answers alike."""

from collections.abc import Collection

from zchat.log.search import Place, Wanted
from zchat.log.store import Store
from zchat.log.words import words_of
from zchat.protocol.codec import encode
from zchat.protocol.costs import Steps
from zchat.protocol.messages import RefusalCode, SearchMessages, SearchResults
from zchat.protocol.names import InvalidName, canonical_name
from zchat.service.effects import Refusal


def search(store: Store, query: SearchMessages, places: Collection[Place]) -> Steps[bytes]:
    """`SearchResults` of the places that the user can read. Raises `Refusal`."""
    words = words_of(query.text)
    if not words:
        raise Refusal(RefusalCode.EMPTY_TEXT, "say which words to search for")
    author = query.author
    if author is not None:
        try:
            author = canonical_name(author)
        except InvalidName as error:
            raise Refusal(RefusalCode.INVALID_NAME, str(error)) from None
    found = yield from store.search(places, Wanted(words, author, query.before_ms, query.limit))
    return encode(SearchResults(query.id, *found))
