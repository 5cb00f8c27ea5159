"""Brand names used by impostors, with the registrable domains that really belong to them. Compiled by hand."""

from __future__ import annotations

from typing import Final


def words(text: str) -> frozenset[str]:
    """Split a text into words: a readable notation for a long set."""
    return frozenset(text.split())


BRANDS: Final[dict[str, frozenset[str]]] = {
    name: words(domains)
    for name, domains in {
        "paypal": "paypal.com paypal.me paypalobjects.com",
        "spotify": "spotify.com spoti.fi spotify.link scdn.co spotifycdn.com byspotify.com",
        "google": "google.com google.co.uk google.de google.fr google.es google.it googleapis.com goo.gl",
        "youtube": "youtube.com youtu.be youtube-nocookie.com",
        "gmail": "gmail.com",
        "facebook": "facebook.com fb.com fb.me facebook.net",
        "instagram": "instagram.com instagr.am cdninstagram.com",
        "whatsapp": "whatsapp.com whatsapp.net wa.me",
        "telegram": "telegram.org telegram.me t.me",
        "tiktok": "tiktok.com tiktokcdn.com",
        "twitter": "twitter.com t.co",
        "discord": "discord.com discord.gg discordapp.com discord.media",
        "snapchat": "snapchat.com",
        "linkedin": "linkedin.com lnkd.in",
        "reddit": "reddit.com redd.it redditmedia.com",
        "amazon": "amazon.com amazon.co.uk amazon.de amazon.fr amazon.es amazon.it amazonaws.com amzn.to a.co",
        "apple": "apple.com icloud.com itunes.com apple.news",
        "icloud": "icloud.com",
        "microsoft": "microsoft.com microsoftonline.com live.com office.com azure.com",
        "outlook": "outlook.com",
        "office365": "office365.com",
        "netflix": "netflix.com nflxext.com",
        "soundcloud": "soundcloud.com",
        "bandcamp": "bandcamp.com",
        "deezer": "deezer.com",
        "steamcommunity": "steamcommunity.com",
        "steampowered": "steampowered.com",
        "roblox": "roblox.com",
        "binance": "binance.com binance.us",
        "coinbase": "coinbase.com",
        "metamask": "metamask.io",
        "blockchain": "blockchain.com blockchain.info",
        "kraken": "kraken.com",
        "revolut": "revolut.com",
        "barclays": "barclays.co.uk barclays.com",
        "santander": "santander.com santander.co.uk santander.es",
        "hsbc": "hsbc.com hsbc.co.uk",
        "citibank": "citibank.com citi.com",
        "wellsfargo": "wellsfargo.com",
        "bankofamerica": "bankofamerica.com",
        "americanexpress": "americanexpress.com",
        "mastercard": "mastercard.com mastercard.us",
        "sparkasse": "sparkasse.de",
        "westernunion": "westernunion.com",
        "dhl": "dhl.com dhl.de",
        "fedex": "fedex.com",
        "usps": "usps.com",
        "ebay": "ebay.com ebay.co.uk ebay.de",
        "aliexpress": "aliexpress.com",
        "booking": "booking.com",
        "airbnb": "airbnb.com",
        "dropbox": "dropbox.com dropboxusercontent.com",
        "docusign": "docusign.com docusign.net",
        "github": "github.com github.io githubusercontent.com",
        "wikipedia": "wikipedia.org",
        "ticketmaster": "ticketmaster.com ticketmaster.co.uk ticketmaster.de",
        "patreon": "patreon.com",
        "onlyfans": "onlyfans.com",
        "twitch": "twitch.tv",
    }.items()
}

SHORTENERS: Final = words(
    """
    bit.ly tinyurl.com goo.gl t.co ow.ly is.gd buff.ly rebrand.ly cutt.ly shorturl.at rb.gy tiny.cc s.id t.ly v.gd
    bl.ink adf.ly soo.gd clck.ru u.to qr.ae lnkd.in shorte.st trib.al dub.sh linktr.ee grabify.link iplogger.org
    2no.co yip.su bc.vc ouo.io exe.io tny.im x.co surl.li n9.cl urlz.fr
    """
)

# Cheap suffixes that are common in phishing feeds; weak evidence, never sufficient alone.
CHEAP_SUFFIXES: Final = words(
    """
    tk ml ga cf gq top xyz click link icu cyou buzz rest fit surf monster quest sbs cfd bond lol zip mov country
    kim loan men work party review stream trade win date racing accountant science download bid cricket faith gdn
    live shop online site website space fun vip wang club
    """
)

# Suffixes that are also words or file endings: a bare "great.it" or "readme.md" is not a link.
WORDLIKE_SUFFIXES: Final = words(
    """
    it is in so my me to at be no us am do as by pm st la ne se de es et tu un il ma ca sa si ya ps py md sh rs pl
    zip mov cc mp3 app dev read now one day man men fan fans live love music song show here how who here best cool
    fun hot good like today team win game games fit host guru ninja lol ltd inc name art band gay sex sexy red
    blue black pink moe baby kids mom dad life world video dance party new you next page click link help work
    """
)
