# ---
# jupyter:
#   vitsim: {pt: 01_preprocessamento}
# ---

# %% [markdown] lang="en"
# # 01 · Preprocessing
#
# In May 2024, floods in Rio Grande do Sul separated thousands of animals from their owners, and
# volunteers compared photographs by eye. Before a computer can help, every photograph must reach
# it in the same form.
#
# **You will be able to**
# - read a picture as an array, and open any photograph upright and in RGB;
# - fit it to a square, knowing what each way costs;
# - remove a background without bringing it back by accident, and prepare a whole folder.
#
# **Time:** 30 minutes and 15 for the exercises. **You need:** a little NumPy; no network.

# %% [markdown] lang="pt"
# # 01 · Pré-processamento
#
# Em maio de 2024, as enchentes no Rio Grande do Sul separaram milhares de animais de seus
# tutores, e voluntários compararam fotografias a olho. Antes que um computador possa ajudar,
# toda foto precisa chegar a ele no mesmo formato.
#
# **Ao final, você saberá**
# - ler uma imagem como um arranjo (*array*) e abrir qualquer foto na posição certa e em RGB;
# - ajustá-la a um quadrado, sabendo quanto custa cada maneira;
# - remover o fundo sem trazê-lo de volta por descuido e preparar uma pasta inteira.
#
# **Tempo:** 30 minutos, mais 15 para os exercícios. **Requisitos:** um pouco de NumPy;
# internet, não.

# %%
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

try:
    from vitsim import background, datasets, images, plots
except ModuleNotFoundError:
    # %pip install --quiet "vitsim[notebooks] @ git+{{repository}}"
    from vitsim import background, datasets, images, plots
from vitsim.exercises import check

# %matplotlib inline
print("vitsim ✓")

# %% [markdown] lang="en"
# ## 1. A picture is an array
#
# This is Chelsea, a real cat. Pillow opens the file; NumPy sees the numbers.

# %% [markdown] lang="pt"
# ## 1. Uma imagem é um arranjo
#
# Esta é Chelsea, uma gata de verdade. O Pillow abre o arquivo; o NumPy enxerga os números.

# %%
photo = images.open_photo(datasets.sample("cat"))
cat = np.asarray(photo)
print(photo.size, cat.shape, cat.dtype, cat.min(), cat.max())
print(cat[100, 150])

# %% [markdown] lang="en"
# Pillow says width × height; NumPy says rows × columns × **channels**. Each pixel holds red, green
# and blue (**RGB**), 8 bits each: from 0 to 255. The pixel in row 100, column 150 has more red than
# blue: ginger fur. Each channel alone is a grey picture:

# %% [markdown] lang="pt"
# O Pillow diz largura × altura; o NumPy, linhas × colunas × **canais**. Cada pixel guarda vermelho,
# verde e azul (**RGB**), com 8 bits cada: de 0 a 255. O pixel da linha 100, coluna 150 tem mais
# vermelho que azul: pelo alaranjado. Cada canal, sozinho, é uma imagem em tons de cinza:

# %%
channels = [Image.fromarray(cat[:, :, channel]) for channel in range(3)]
plots.photo_row([photo, *channels], ["RGB", "R  [:, :, 0]", "G  [:, :, 1]", "B  [:, :, 2]"])

# %% [markdown] lang="en"
# The fur is bright in R and dark in B. The whiskers are bright in all three, and so look white.
#
# ### Exercise 1: predict
# A Vision Transformer takes squares of 224 × 224 pixels, three channels, each number a `float32`
# of 4 bytes. How many bytes hold a batch of 16 photos? Write your number in place of `None`.

# %% [markdown] lang="pt"
# O pelo é claro em R e escuro em B. Os bigodes são claros nos três e, por isso, parecem brancos.
#
# ### Exercício 1: preveja
# Um *Vision Transformer* recebe quadrados de 224 × 224 pixels, três canais, cada número um
# `float32` de 4 bytes. Quantos bytes ocupa um lote de 16 fotos? Escreva seu número no lugar de
# `None`.

# %% tags=["exercise"]
prediction = None

batch = np.zeros((16, 224, 224, 3), dtype=np.float32)
check(
    prediction,
    batch.nbytes,
    en="Multiply photos, rows, columns, channels and bytes a number.",
    pt="Multiplique fotos, linhas, colunas, canais e bytes por número.",
)

# %% [markdown] lang="en"
# <details><summary>Hint</summary>
#
# `cat.nbytes` is 300 · 451 · 3, because a `uint8` has one byte. Here each number has four.
# </details>

# %% [markdown] lang="pt"
# <details><summary>Dica</summary>
#
# `cat.nbytes` é 300 · 451 · 3, pois um `uint8` tem um byte. Aqui cada número tem quatro.
# </details>

# %% tags=["solution"] cellView="form" jupyter={"source_hidden": true}
prediction = 16 * 224 * 224 * 3 * 4
print(prediction)
check(prediction, batch.nbytes)

# %% [markdown] lang="en"
# ## 2. The same cat in other containers
#
# Printers mix inks, not light: **CMYK**, cyan, magenta, yellow and black. Cyan ink swallows red
# light, so the plain conversion is C = 255 − R, and so on.

# %% [markdown] lang="pt"
# ## 2. A mesma gata em outros formatos
#
# Impressoras misturam tintas, não luz: **CMYK**, ciano, magenta, amarelo e preto. A tinta ciano
# absorve a luz vermelha; a conversão simples é, portanto, C = 255 − R, e assim por diante.

# %%
inks = np.asarray(photo.convert("CMYK"))
print(inks.shape, np.abs(inks[:, :, :3].astype(int) - (255 - cat)).max())

# %% [markdown] lang="en"
# Our formula and Pillow agree: the largest difference is 0. But there are four channels now. A
# network built for three refuses them or, worse, takes the first three: a negative.
#
# Scanners and scientific cameras store **16 bits**, up to 65,535. Cutting such numbers down to 8
# bits keeps their *last* bits, the least important ones. Dividing by 257 keeps the first.

# %% [markdown] lang="pt"
# Nossa fórmula e o Pillow concordam: a maior diferença é 0. Mas agora são quatro canais. Uma rede
# feita para três os recusa ou, pior, usa os três primeiros: um negativo.
#
# Escâneres e câmeras científicas guardam **16 bits**, até 65.535. Truncar esses números para 8 bits
# preserva os *últimos* bits, os menos importantes. Dividi-los por 257 preserva os primeiros.

# %%
deep = np.uint16(65535 * np.sqrt(cat[:, :, 1] / 255))
wrapped, right = deep.astype(np.uint8), (deep / 257).astype(np.uint8)
grey = [Image.fromarray(pixels) for pixels in (wrapped, right)]
plots.photo_row(grey, ["deep.astype(np.uint8)", "deep / 257"])

# %% [markdown] lang="en"
# Left, noise; right, the cat. No error was raised.
#
# A telephone held upright often stores its picture lying down, with a note, the **EXIF**
# orientation, on how to turn it. Viewers obey; `Image.open` does not.

# %% [markdown] lang="pt"
# À esquerda, ruído; à direita, a gata. Nenhum erro foi acusado.
#
# Um celular em pé costuma guardar a imagem deitada, com uma anotação, a orientação **EXIF**,
# sobre como girá-la. Os visualizadores obedecem; `Image.open`, não.

# %%
folder = Path(tempfile.mkdtemp())
exif = Image.Exif()
exif[0x0112] = 6
photo.rotate(90, expand=True).save(folder / "phone.jpg", exif=exif)

stored, upright = Image.open(folder / "phone.jpg"), images.open_photo(folder / "phone.jpg")
plots.photo_row([stored, upright], ["Image.open", "images.open_photo"])

# %% [markdown] lang="en"
# Left, the stored picture lies down; right, `images.open_photo` has read the note. It also turns
# CMYK, 16 bits and greys into 8-bit RGB, so from here on every photo goes through it.
#
# ## 3. Making it square
#
# A Vision Transformer wants a square. A photo of 600 × 400 gets there in three ways.

# %% [markdown] lang="pt"
# À esquerda, a imagem guardada está deitada; à direita, `images.open_photo` leu a anotação. A
# função também converte CMYK, 16 bits e tons de cinza em RGB de 8 bits; daqui em diante, toda foto
# passa por ela.
#
# ## 3. Do retângulo ao quadrado
#
# Um *Vision Transformer* exige um quadrado. Uma foto de 600 × 400 chega lá por três caminhos.

# %%
coffee = images.open_photo(datasets.sample("coffee"))
squares = [images.fit(coffee, 224, how) for how in images.FITS]
plots.photo_row([coffee, *squares], ["600 × 400", *images.FITS])

# %% [markdown] lang="en"
# **Letterbox** keeps all, and spends part of the square on a flat colour. **Squash** keeps all, but
# the cup grows slim. **Crop** keeps the proportions, but the saucer loses its left rim.
#
# How much, in numbers? And for the same cup in a portrait photo of 300 × 400?

# %% [markdown] lang="pt"
# **Letterbox** (tarjas) conserva tudo e gasta parte do quadrado com uma cor lisa. **Squash**
# (achatar) conserva tudo, mas a xícara emagrece. **Crop** (cortar) conserva as proporções, mas o
# pires perde a borda esquerda.
#
# Quanto, em números? E para a mesma xícara em uma foto vertical de 300 × 400?

# %%
for width, height in [(600, 400), (300, 400)]:
    kept = min(width, height) / max(width, height)
    print(f"{width} × {height}   letterbox {1 - kept:.2f}   crop {1 - kept:.2f}", end="   ")
    print(f"squash {height / width:.2f}")

# %% [markdown] lang="en"
# Letterbox fills 0.33 of the square with colour; crop throws 0.33 of the photo away. Squash makes
# the cup 0.67 times as wide as it should be in one photo and 1.33 times in the other: two photos of
# *one* cup now disagree by a factor of two. The processor of `google/vit-base-patch16-224`
# squashes; vitsim letterboxes unless told otherwise. Lesson 06 measures which ranks better.
#
# ### Exercise 2: build
# Write the letterbox: scale the longer side to `size`, paste in the middle of a grey square.

# %% [markdown] lang="pt"
# O letterbox preenche 0,33 do quadrado com cor; o corte joga fora 0,33 da foto. O squash deixa a
# xícara com 0,67 da largura devida em uma foto e 1,33 na outra: duas fotos da *mesma* xícara passam
# a discordar por um fator de dois. O processador de `google/vit-base-patch16-224` achata; o vitsim
# usa letterbox, salvo indicação em contrário. A aula 06 mede qual ordena melhor.
#
# ### Exercício 2: construa
# Escreva o letterbox: leve o lado maior a `size` e cole a foto no meio de um quadrado cinza.


# %% tags=["exercise"]
def my_letterbox(image, size):
    square = Image.new("RGB", (size, size), images.GREY)
    return None


check(
    my_letterbox(coffee, 224),
    images.fit(coffee, 224),
    en="Compare the scale, then the corner where you paste.",
    pt="Confira a escala e, depois, o canto onde você cola.",
    tolerance=1,
)

# %% [markdown] lang="en"
# <details><summary>Hint</summary>
#
# `scale = size / max(image.size)`; new sides: `round(side * scale)`. `square.paste(small, (x, y))`
# wants the upper left corner, and both margins are equal.
# </details>

# %% [markdown] lang="pt"
# <details><summary>Dica</summary>
#
# `scale = size / max(image.size)`; novos lados: `round(side * scale)`.
# `square.paste(small, (x, y))` pede o canto superior esquerdo, e as duas margens são iguais.
# </details>


# %% tags=["solution"] cellView="form" jupyter={"source_hidden": true}
def my_letterbox(image, size):
    square = Image.new("RGB", (size, size), images.GREY)
    scale = size / max(image.size)
    width, height = (round(side * scale) for side in image.size)
    small = image.resize((width, height))
    square.paste(small, ((size - width) // 2, (size - height) // 2))
    return square


check(my_letterbox(coffee, 224), images.fit(coffee, 224), tolerance=1)

# %% [markdown] lang="en"
# ## 4. The background
#
# Two pets on one lawn can look more alike than one pet in two places. So we keep the pet alone. Our
# Toy Pets were rendered, and the renderer knows exactly which pixels are pet: the **mask**.

# %% [markdown] lang="pt"
# ## 4. O fundo
#
# Dois animais no mesmo gramado podem parecer mais semelhantes que um animal em dois lugares. Por
# isso ficamos só com o animal. Nossos Toy Pets foram gerados por computador, e o programa sabe
# exatamente quais pixels são do animal: a **máscara**.

# %%
pets = datasets.pets()
row = pets[pets["photo"].str.endswith("cat_007_02.jpg")].iloc[0]
pet, mask = images.open_photo(row["photo"]), Image.open(row["mask"]).convert("L")
print(pet.size, mask.size, f"{np.mean(np.asarray(mask)) / 255:.2f}")
plots.photo_row([pet, mask], ["photo", "mask"])

# %% [markdown] lang="en"
# White is pet, black is not: only 0.22 of the photo is cat. Now shrink both to a quarter. A pixel
# on the border then covers 4 × 4 old ones, some of them pet, some not: their mean is a **soft
# mask**.

# %% [markdown] lang="pt"
# Branco é animal; preto, não: só 0,22 da foto é gato. Agora reduza foto e máscara a um quarto do
# lado. Um pixel da borda passa a cobrir 4 × 4 dos antigos, uns do animal, outros não: a média deles
# é uma **máscara suave**.

# %%
box = Image.Resampling.BOX
little, soft = pet.resize((80, 80), box), mask.resize((80, 80), box)
hard = soft.point(lambda value: 255 * (value >= 128))
shares = np.asarray(soft) / 255
print(f"0 < m < 1: {np.mean((shares > 0) & (shares < 1)):.2f}")

heads = [background.cut_out(little, m).crop((34, 20, 66, 52)) for m in (soft, hard)]
zoomed = [head.resize((320, 320), Image.Resampling.NEAREST) for head in heads]
plots.photo_row(zoomed, ["soft", "soft >= 0.5"])

# %% [markdown] lang="en"
# Left, pixels on the border mix with the grey: 0.05 of all are neither 0 nor 1. Right, a
# **threshold** at 0.5 made each all or nothing, and the border a staircase. Networks give soft
# masks too.
#
# How good is a mask? **Intersection over union** (IoU): pixels in both, divided by pixels in
# either. We try it on masks spoiled on purpose: moved by 8 pixels, and cut in half.

# %% [markdown] lang="pt"
# À esquerda, pixels da borda se misturam ao cinza: 0,05 do total não é nem 0 nem 1. À direita, um
# **limiar** de 0,5 fez de cada um tudo ou nada, e da borda, uma escada. Redes também dão máscaras
# suaves.
#
# Quão boa é uma máscara? **Interseção sobre união** (IoU): pixels em ambas, divididos pelos pixels
# em ao menos uma. Testemos com máscaras estragadas de propósito: uma deslocada em 8 pixels, outra
# cortada ao meio.


# %%
def iou(one, other):
    return np.sum(one & other) / np.sum(one | other)


exact = np.asarray(mask) >= 128
half = exact & (np.arange(320) < np.median(np.nonzero(exact)[1]))
for name, spoiled in [("=", exact), ("→ 8", np.roll(exact, 8, axis=1)), ("½", half)]:
    print(f"{name:5} {iou(exact, spoiled):.2f}")

# %% [markdown] lang="en"
# The exact mask scores 1.00, and half of the pet scores half. A shift of 8 pixels, 2.5% of the
# width, costs 0.22.
#
# The **cut-out** was made like this: `m · photo + (1 − m) · colour`. By hand:

# %% [markdown] lang="pt"
# A máscara exata vale 1,00, e metade do animal vale metade. Um deslocamento de 8 pixels, 2,5% da
# largura, custa 0,22.
#
# O **recorte** foi feito assim: `m · foto + (1 − m) · cor`. À mão:

# %%
m = shares[:, :, None]
by_hand = m * np.asarray(little) + (1 - m) * np.array(images.GREY)
by_vitsim = np.asarray(background.cut_out(little, soft, images.GREY))
print(np.abs(by_hand - by_vitsim).max() <= 1)

# %% [markdown] lang="en"
# Equal up to rounding. Which colour?

# %% [markdown] lang="pt"
# Iguais, salvo arredondamento. E que cor usar?

# %%
other = pets[pets["photo"].str.endswith("cat_011_08.jpg")].iloc[0]
tuxedo, outline = images.open_photo(other["photo"]), Image.open(other["mask"])
values = np.array([0, 128, 255])
cuts = [background.cut_out(tuxedo, outline, (int(value),) * 3) for value in values]
plots.photo_row(cuts, [f"{value} → {(value / 255 - 0.5) / 0.5:.2f}" for value in values])

# %% [markdown] lang="en"
# This cat's back melts into black. Is grey better for all? We count border pixels, 3 deep, that
# come within 48 of the colour in every channel, on 160 photos of 16 pets.

# %% [markdown] lang="pt"
# As costas deste gato se dissolvem no preto. O cinza é melhor para todos? Contemos, na borda de 3
# pixels, os que ficam a menos de 48 da cor em todos os canais, em 160 fotos de 16 animais.


# %%
def lost(photo, truth):
    pixels, outline = np.asarray(images.open_photo(photo)), Image.open(truth).convert("L")
    border = np.asarray(outline) > np.asarray(outline.filter(ImageFilter.MinFilter(7)))
    return [np.mean(np.abs(pixels[border] - value).max(axis=1) < 48) for value in values]


litters = pets[pets["litter"] != ""]
hidden = np.mean([lost(*pair) for pair in litters[["photo", "mask"]].to_numpy()], axis=0)
print(len(litters), litters["pet"].nunique())
for value, share in zip(values, hidden, strict=True):
    print(f"{value:3}   {share:.2f}")

# %% [markdown] lang="en"
# No: grey hides the *most*, 0.31 of the border, for many coats are of middle tones. The eye is not
# the judge, though. After the arrow stands what the network receives, scaled to −1…1: **grey is
# 0.00**, no signal. vitsim takes grey, for letterbox and cut-out alike; what counts is one colour
# for all photos.
#
# ### The alpha trap
# Pictures can carry a fourth channel, **alpha**: how opaque each pixel is. It is tempting to store
# the mask there. Chequers show where a picture is transparent.

# %% [markdown] lang="pt"
# Não: o cinza é o que *mais* esconde, 0,31 da borda, pois muitas pelagens têm tons médios. Mas o
# juiz não é o olho. Depois da seta está o que a rede recebe, na escala −1…1: **cinza é 0,00**,
# nenhum sinal. O vitsim usa cinza no letterbox e no recorte; o que importa é uma só cor para todas
# as fotos.
#
# ### A armadilha do alfa
# Imagens podem trazer um quarto canal, **alfa**: o quanto cada pixel é opaco. É tentador guardar a
# máscara ali. O xadrez mostra onde a imagem é transparente.

# %%
transparent = pet.copy()
transparent.putalpha(mask)
trapped = transparent.convert("RGB")
print(f"{np.abs(np.asarray(trapped) - np.asarray(pet).astype(int)).mean():.2f}")
plots.photo_row([transparent, trapped], ["RGBA", '.convert("RGB")'])

# %% [markdown] lang="en"
# The background is back: the difference from the photo is 0.00. It was only hidden, and `convert`
# drops what hid it. Nothing warned us.
#
# ### Exercise 3: change
# Change the first line so that the background stays away, on grey.

# %% [markdown] lang="pt"
# O fundo voltou: a diferença em relação à foto é 0,00. Ele estava apenas escondido, e `convert`
# descarta o que o escondia. Nada nos avisou.
#
# ### Exercício 3: modifique
# Modifique a primeira linha para que o fundo não volte e o cinza fique em seu lugar.

# %% tags=["exercise"]
flat = transparent.convert("RGB")

check(
    flat,
    background.cut_out(pet, mask, images.GREY),
    en="The background is still there, or the colour is not images.GREY.",
    pt="O fundo ainda está lá, ou a cor não é images.GREY.",
    tolerance=1,
)

# %% [markdown] lang="en"
# <details><summary>Hint</summary>
#
# Lay it on something: `Image.alpha_composite(below, above)` wants two RGBA pictures of one size.
# </details>

# %% [markdown] lang="pt"
# <details><summary>Dica</summary>
#
# Ponha algo por baixo: `Image.alpha_composite(abaixo, acima)` pede duas imagens RGBA do mesmo
# tamanho.
# </details>

# %% tags=["solution"] cellView="form" jupyter={"source_hidden": true}
below = Image.new("RGBA", transparent.size, (*images.GREY, 255))
flat = Image.alpha_composite(below, transparent).convert("RGB")
check(flat, background.cut_out(pet, mask, images.GREY), tolerance=1)

# %% [markdown] lang="en"
# ## 5. A whole folder
#
# Real folders are untidy. So is ours: a copy, a night shot, a thumbnail, a broken file.

# %% [markdown] lang="pt"
# ## 5. Uma pasta inteira
#
# Pastas reais são bagunçadas. A nossa também: uma cópia, uma foto noturna, uma miniatura, um
# arquivo corrompido.

# %%
for name in ["good.jpg", "copy.jpg"]:
    pet.save(folder / name)
pet.point(lambda value: value // 20).save(folder / "night.jpg")
pet.resize((64, 64)).save(folder / "thumb.jpg")
(folder / "broken.jpg").write_bytes((folder / "good.jpg").read_bytes()[:2000])
for finding in images.audit(folder):
    print(f"{finding.path.name:12} {finding.kind}")

# %% [markdown] lang="en"
# One line per problem; `finding.text` says more. `good.jpg` is called a twin, of its copy.
#
# Large folders take hours. So: what is done is not done again.

# %% [markdown] lang="pt"
# Uma linha por problema; `finding.text` dá detalhes. `good.jpg` é apontada como gêmea (*twin*)
# da própria cópia.
#
# Pastas grandes levam horas. Por isso, o que está feito não se refaz.


# %%
def prepare(folder, out):
    counts = {"new": 0, "kept": 0, "bad": 0}
    for path in images.find_photos(folder):
        target = out / f"{path.stem}.png"
        if target.exists():
            counts["kept"] += 1
            continue
        try:
            images.fit(images.open_photo(path), 224).save(target)
            counts["new"] += 1
        except images.PhotoError:
            counts["bad"] += 1
    return counts


squares_folder = Path(tempfile.mkdtemp())
print(prepare(folder, squares_folder), prepare(folder, squares_folder), sep="\n")

# %% [markdown] lang="en"
# The first run made 5 squares; the second kept them and made 0. The broken file stopped neither.
#
# ## Quiz
#
# <details><summary>1. Half of your photos are portrait, half landscape. Why not squash?</summary>
#
# The same pet would be slim in one half and stout in the other.
# </details>
# <details><summary>2. Why do we not keep cut-outs as transparent PNG files?</summary>
#
# Their background is hidden, not gone; one `convert("RGB")` brings it back.
# </details>
#
# ## Remember
# - A picture is rows × columns × channels; convert to 8-bit RGB, upright, as you open it.
# - Letterbox keeps shape and edges; prepare every photo of a comparison the same way.
# - Lay cut-outs on an explicit grey; never drop alpha.
# - Audit a folder first, and make every long run able to go on.
#
# **Next:** lesson 02 turns these squares into vectors, the embeddings.
#
# ## References
# - [Pillow: modes and concepts](https://pillow.readthedocs.io/en/stable/handbook/concepts.html)
# - T. Porter, T. Duff (1984).
#   [Compositing digital images](https://doi.org/10.1145/964965.808606).
# - A. Dosovitskiy et al. (2021). [An image is worth 16×16 words](https://arxiv.org/abs/2010.11929).
# - Photos of Chelsea and the coffee:
#   [scikit-image](https://scikit-image.org/docs/stable/api/skimage.data.html).

# %% [markdown] lang="pt"
# A primeira rodada fez 5 quadrados; a segunda os manteve e não fez nenhum novo. O
# arquivo corrompido não interrompeu nenhuma das duas.
#
# ## Questionário
#
# <details><summary>1. Metade das suas fotos é vertical, metade é horizontal. Por que não
# achatá-las?</summary>
#
# O mesmo animal ficaria magro em uma metade e gordo na outra.
# </details>
# <details><summary>2. Por que não guardar os recortes como PNG transparente?</summary>
#
# O fundo está escondido, não apagado; basta um `convert("RGB")` para trazê-lo de volta.
# </details>
#
# ## Para lembrar
# - Uma imagem é linhas × colunas × canais; ao abrir, converta para RGB de 8 bits, na posição certa.
# - O letterbox conserva forma e bordas; prepare da mesma maneira todas as fotos que vai comparar.
# - Componha os recortes sobre um cinza explícito; nunca descarte o alfa.
# - Audite a pasta primeiro e faça com que todo processamento longo possa ser retomado.
#
# **A seguir:** a aula 02 transforma esses quadrados em vetores, os *embeddings*.
#
# ## Referências
# - [Pillow: modos e conceitos](https://pillow.readthedocs.io/en/stable/handbook/concepts.html)
# - T. Porter, T. Duff (1984).
#   [Compositing digital images](https://doi.org/10.1145/964965.808606).
# - A. Dosovitskiy et al. (2021). [An image is worth 16×16 words](https://arxiv.org/abs/2010.11929).
# - Fotos de Chelsea e do café:
#   [scikit-image](https://scikit-image.org/docs/stable/api/skimage.data.html).
