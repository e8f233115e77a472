"""Names of one artist that hold what separates names elsewhere, as they are credited."""

from typing import Final

# fmt: off
ONE_ARTIST: Final = frozenset((
    "10,000 Maniacs", "AC/DC", "Above & Beyond", "Aly & AJ", "Amadou & Mariam", "Angus & Julia Stone",
    "Ashford & Simpson", "Axwell /\\ Ingrosso", "Belle and Sebastian", "Big & Rich", "Blood, Sweat & Tears",
    "Bob & Earl", "Brooks & Dunn", "Captain & Tennille", "Chase & Status", "Chas & Dave", "Coheed and Cambria",
    "Crosby & Nash", "Crosby, Stills & Nash", "Crosby, Stills, Nash & Young", "Dan + Shay",
    "Daryl Hall & John Oates", "Dave Dee, Dozy, Beaky, Mick & Tich", "David & Jonathan", "De/Vision",
    "Delaney & Bonnie", "Earth, Wind & Fire", "Emerson, Lake & Palmer", "Emerson, Lake & Powell",
    "England Dan & John Ford Coley", "Eric B. & Rakim", "Flanagan & Allen", "Flo & Eddie",
    "Florence + The Machine", "Gamble & Huff", "Gilbert & Sullivan", "Hall & Oates",
    "Hamilton, Joe Frank & Reynolds", "Huey Lewis & The News", "Ike & Tina Turner", "Iron & Wine",
    "Jan & Dean", "Kool & The Gang", "Kruder & Dorfmeister", "Lambert, Hendricks & Ross", "Leiber & Stoller",
    "Lerner & Loewe", "Loggins & Messina", "M|O|O|N", "Marina and the Diamonds", "Matt & Kim", "Medeski, Martin & Wood",
    "Mel & Kim", "Mumford & Sons", "Now, Now", "Of Mice & Men", "Of Monsters and Men", "Oh, Sleeper",
    "Page & Plant", "Peaches & Herb", "Peter & Gordon", "Peter, Bjorn and John", "Peter, Paul and Mary",
    "Rodgers & Hammerstein", "Rodrigo y Gabriela", "Salt & Pepa", "Sam & Dave", "Seals & Crofts", "She & Him",
    "Simon & Garfunkel", "Sly & Robbie", "Sonny & Cher", "Stock, Aitken & Waterman", "Tegan and Sara",
    "Tyler, The Creator", "Up, Bustle and Out", "Well, Well, Well", "Years & Years", "Yusuf / Cat Stevens",
    "Zager & Evans",
))
# fmt: on
