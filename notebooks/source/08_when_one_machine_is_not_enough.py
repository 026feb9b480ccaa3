# ---
# jupyter:
#   vitsim: {pt: 08_quando_uma_maquina_nao_basta}
# ---

# %% [markdown] lang="en"
# # 08 · When one machine is not enough
#
# Two hundred photos are answered at once, ten thousand too. When does a laptop give up: at a
# million, at a billion? First we reckon, then we look for a way out of each limit.
#
# **You will be able to**
# - reckon memory, time and cost for n photos, from assumptions of your own;
# - trade exactness for speed or memory, and measure the price as recall;
# - spread the embedding over many workers and the search over a server, in the same few lines.
#
# **Time:** 30 minutes and 15 for the exercises; optional. **You need:** lesson 04; no network.

# %% [markdown] lang="pt"
# # 08 · Quando uma máquina não basta
#
# Duzentas fotos têm resposta na hora; dez mil, também. Quando seu computador entrega os pontos: em
# um milhão, em um bilhão? Primeiro fazemos as contas; depois, procuramos uma saída para cada
# limite.
#
# **Ao final, você saberá**
# - estimar memória, tempo e custo para n fotos, a partir das suas próprias suposições;
# - trocar exatidão por velocidade ou memória, e medir o preço em *recall*;
# - distribuir o cálculo dos *embeddings* entre vários processos e levar a busca a um servidor, com
#   as mesmas poucas linhas.
#
# **Tempo:** 30 minutos, mais 15 para os exercícios; opcional. **Requisitos:** aula 04; internet,
# não.

# %%
import faiss
import numpy as np

try:
    from vitsim import datasets, plots
except ModuleNotFoundError:
    # %pip install --quiet "vitsim[notebooks,scale] @ git+{{repository}}"
    # %env VITSIM_LANG={{language}}
    from vitsim import datasets, plots
from vitsim.encoder import Encoder
from vitsim.exercises import check
from vitsim.gallery import Gallery

# %matplotlib inline
faiss.omp_set_num_threads(1)  # the same order of work everywhere
print("vitsim ✓")

# %% [markdown] lang="en"
# ## 1. On the back of an envelope
#
# These are **assumptions**, not measurements. Put in your own: count the photos per second when you
# index, look up the price of a rented machine.

# %% [markdown] lang="pt"
# ## 1. Na ponta do lápis
#
# São **suposições**, não medições. Troque-as pelas suas: conte as fotos por segundo ao indexar,
# consulte o preço de uma máquina alugada.

# %%
photos_per_second = 5  # one machine, one model
d = 768  # numbers in an embedding
bytes_per_number = 4  # float32
bytes_per_second = 10e9  # read from memory by one machine
price_per_hour = 0.20  # of one machine, in your currency
print(f"{d * bytes_per_number} bytes / photo")

# %% [markdown] lang="en"
# Three formulae are enough.
# - **Memory**: n photos × d numbers × bytes per number.
# - **Time to embed**: n / (photos per second). On m machines divide by m; the *cost* stays, because
#   m machines for 1/m of the time are paid alike.
# - **Time of an exact search**: every vector is read once, so memory / (bytes per second).

# %% [markdown] lang="pt"
# Bastam três fórmulas.
# - **Memória**: n fotos × d números × bytes por número.
# - **Tempo para calcular os *embeddings***: n / (fotos por segundo). Com m máquinas, divida por m; o
#   *custo* não muda, pois m máquinas durante 1/m do tempo custam o mesmo.
# - **Tempo de uma busca exata**: cada vetor é lido uma vez; logo, memória / (bytes por segundo).

# %%
n = 10.0 ** np.arange(4, 10)
gigabytes = n * d * bytes_per_number / 1e9
hours = n / photos_per_second / 3600
seconds = gigabytes * 1e9 / bytes_per_second
print(f"{'n':>6} {'GB':>8} {'hours':>9} {'price':>9} {'s / query':>10}")
for row in zip(n, gigabytes, hours, hours * price_per_hour, seconds, strict=True):
    print("{:6.0e} {:8.2f} {:9.1f} {:9.2f} {:10.3f}".format(*row))

# %% [markdown] lang="en"
# Every column grows with n: ten times the photos, ten times everything. With these assumptions ten
# thousand photos take half an hour once, and a query a few thousandths of a second; a billion take
# 3 terabytes, six years of one machine, and five minutes a query. So there are three walls, and
# each has its own way through: memory (section 3), search (section 2), embedding (section 5).
#
# As a picture: float32, one byte per number, and 24 bytes per photo (section 3 tells how, for vectors
# of 64 numbers; of 768 the same 24 bytes keep far less), against the memory of a laptop and of a
# large server.

# %% [markdown] lang="pt"
# Todas as colunas crescem com n: dez vezes mais fotos, dez vezes mais tudo. Sob essas suposições, dez
# mil fotos levam meia hora, uma única vez, e uma consulta, poucos milésimos de segundo; um bilhão
# exige 3 terabytes, seis anos de uma máquina e cinco minutos por consulta. São, portanto, três
# muros, e cada um tem sua passagem: memória (seção 3), busca (seção 2), *embeddings* (seção 5).
#
# Em uma figura: float32, um byte por número e 24 bytes por foto (a seção 3 explica, com vetores de
# 64 números; com 768, os mesmos 24 bytes conservam bem menos), diante da memória de um *laptop* e
# de um servidor grande.

# %%
lines = {"float32": n * d * 4 / 1e9, "1 byte": n * d / 1e9, "24 bytes": n * 24 / 1e9}
plots.growth(n, lines, {"16 GB": 16, "1 TB": 1000}, ("n", "GB"))

# %% [markdown] lang="en"
# Follow a line to the right until it meets a dashed one: there that memory is full. On two
# logarithmic axes every proportionality is a straight line of slope 1; saving memory only shifts
# it down.
#
# ### Exercise 1: predict
# How many gigabytes do ten million photos take with `facebook/dinov2-small` (d = 384), in float32?

# %% [markdown] lang="pt"
# Siga uma reta para a direita até encontrar uma tracejada: ali aquela memória se esgota. Com os dois
# eixos logarítmicos, toda proporcionalidade vira uma reta de inclinação 1; economizar memória apenas
# a desloca para baixo.
#
# ### Exercício 1: preveja
# Quantos gigabytes ocupam dez milhões de fotos com `facebook/dinov2-small` (d = 384), em float32?

# %% tags=["exercise"]
prediction = None

check(
    prediction,
    10**7 * 384 * 4 / 1e9,
    en="Photos × numbers × bytes, then divide by 10⁹.",
    pt="Fotos × números × bytes; depois, divida por 10⁹.",
)

# %% [markdown] lang="en"
# <details><summary>Hint</summary>
#
# One photo takes 384 × 4 = 1536 bytes.
# </details>

# %% [markdown] lang="pt"
# <details><summary>Dica</summary>
#
# Uma foto ocupa 384 × 4 = 1536 bytes.
# </details>

# %% tags=["solution"] cellView="form" jupyter={"source_hidden": true, "outputs_hidden": true}
prediction = 10**7 * 384 * 4 / 1e9
print(f"{prediction:.2f}")
check(prediction, 15.36)

# %% [markdown] lang="en"
# ## 2. Nearly the nearest
#
# To try what large collections need, we make vectors instead of photos: 500 centres, a cloud around
# each, 20,000 vectors of norm 1, and 200 queries of the same kind.

# %% [markdown] lang="pt"
# ## 2. Quase o mais próximo
#
# Para experimentar o que coleções grandes exigem, fabricamos vetores em vez de fotos: 500 centros,
# uma nuvem em torno de cada um, 20.000 vetores de norma 1 e 200 consultas do mesmo tipo.

# %%
rng = np.random.default_rng(0)
centres = rng.standard_normal((500, 64))


def sample(n):
    x = centres[rng.integers(500, size=n)] + 0.8 * rng.standard_normal((n, 64))
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype("float32")


vectors, queries = sample(20_000), sample(200)
truth = np.argsort(-(queries @ vectors.T), axis=1)[:, :10]
print(vectors.shape, queries.shape, truth.shape)

# %% [markdown] lang="en"
# `truth` holds the ten true neighbours of each query, by comparing with all. Whoever does not look
# at all of them may miss some; **recall@10** here is the share of the ten that is found. (In lesson
# 04 it was about pets; here only about the search.)

# %% [markdown] lang="pt"
# `truth` guarda os dez vizinhos verdadeiros de cada consulta, obtidos comparando com todos os
# vetores. Quem não olha todos pode perder algum; ***recall@10***, aqui, é a proporção dos dez que
# foi encontrada. (Na aula 04 ele tratava de animais; aqui, só da busca.)


# %%
def recall(found):
    return np.mean([len(set(a) & set(b)) / 10 for a, b in zip(truth, found, strict=True)])


flat = faiss.IndexFlatIP(64)
flat.add(vectors)
print(f"{recall(flat.search(queries, 10)[1]):.2f}")

# %% [markdown] lang="en"
# Exact search finds all. **HNSW** (hierarchical navigable small world) joins each vector to some
# near ones by links. A search walks along the links towards the query and stops once `efSearch`
# vectors already seen are nearer than the next in its queue: few looks, nearly the nearest.

# %% [markdown] lang="pt"
# A busca exata acha tudo. O **HNSW** (*hierarchical navigable small world*) liga cada vetor a
# alguns vizinhos próximos. A busca caminha pelas ligações em direção à consulta e para quando
# `efSearch` vetores já vistos estão mais perto que o próximo da fila: poucas comparações e, quase
# sempre, o mais próximo.

# %%
graph = faiss.IndexHNSWFlat(64, 16, faiss.METRIC_INNER_PRODUCT)  # 64 numbers, 16 links each
graph.add(vectors)
for width in (1, 10):
    graph.hnsw.efSearch = width
    faiss.cvar.hnsw_stats.reset()
    found = recall(graph.search(queries, 10)[1])
    looked = faiss.cvar.hnsw_stats.ndis / (len(queries) * graph.ntotal)
    print(f"efSearch = {width:2}   {found:.2f}   compared {100 * looked:.1f} %")

# %% [markdown] lang="en"
# Recall rises from 0.43 to 0.96, and still the search compares few of the vectors. But the links
# need memory of their own, on top of the vectors: HNSW breaks the wall of search, not of memory.
#
# ### Exercise 2: change
# Change `efSearch` until recall is 0.99 or more.

# %% [markdown] lang="pt"
# O *recall* sobe de 0,43 para 0,96, e a busca ainda compara poucos vetores. Mas as ligações ocupam
# memória, além da dos vetores: o HNSW derruba o muro da busca, não o da memória.
#
# ### Exercício 2: modifique
# Modifique `efSearch` até que o *recall* seja pelo menos 0,99.

# %% tags=["exercise"]
graph.hnsw.efSearch = 2

reached = recall(graph.search(queries, 10)[1])
print(f"{reached:.2f}")
check(
    min(reached, 0.99),
    0.99,
    en="Let the walk go on longer.",
    pt="Deixe a caminhada ir mais longe.",
    tolerance=1e-9,
)

# %% [markdown] lang="en"
# <details><summary>Hint</summary>
#
# Double it, and again: the walk then stops later.
# </details>

# %% [markdown] lang="pt"
# <details><summary>Dica</summary>
#
# Dobre o valor, e dobre de novo: a caminhada para mais tarde.
# </details>

# %% tags=["solution"] cellView="form" jupyter={"source_hidden": true, "outputs_hidden": true}
graph.hnsw.efSearch = 32
reached = recall(graph.search(queries, 10)[1])
print(f"{reached:.2f}")
check(min(reached, 0.99), 0.99, tolerance=1e-9)

# %% [markdown] lang="en"
# ## 3. Fewer bytes
#
# **Product quantisation** (PQ) cuts a vector into 16 pieces and, for each piece, writes down only
# which of 256 typical pieces it resembles: one byte instead of 16. **IVF** (inverted file) sorts the
# vectors into 64 drawers by nearest centre and opens only the `nprobe` drawers nearest to the query.

# %% [markdown] lang="pt"
# ## 3. Menos bytes
#
# A **quantização por produto** (*product quantisation*, PQ) corta o vetor em 16 pedaços e, de cada
# um, anota apenas com qual de 256 pedaços típicos ele se parece: um byte em vez de 16. O **IVF**
# (*inverted file*, arquivo invertido) distribui os vetores em 64 gavetas, pelo centro mais próximo,
# e abre só as `nprobe` gavetas mais próximas da consulta.

# %%
coarse = faiss.IndexFlatIP(64)
packed = faiss.IndexIVFPQ(coarse, 64, 64, 16, 8, faiss.METRIC_INNER_PRODUCT)
packed.cp.niter = packed.pq.cp.niter = 5  # rounds of k-means: few, to be quick
packed.train(vectors[:10_000])
packed.add(vectors)
print(vectors.nbytes // len(vectors), packed.code_size + 8)
for drawers in (1, 4):
    packed.nprobe = drawers
    print(f"nprobe = {drawers}   {recall(packed.search(queries, 10)[1]):.2f}")

# %% [markdown] lang="en"
# From 256 bytes a vector to 24: 16 of code and 8 for its number. The price: only 0.59 of the neighbours
# are found. The rest lost for good? No. Rough scores are good enough to *pre-select*: ask for a
# hundred **candidates**, fetch their true vectors, from a disk if need be, and order those exactly.
#
# ### Exercise 3: build
# Write `rerank`: of the 100 candidates (row numbers) the 10 with the largest inner product with the
# query.

# %% [markdown] lang="pt"
# De 256 bytes por vetor para 24: 16 de código e 8 para seu número. O preço: só se acham 0,59 dos
# vizinhos. O resto se perdeu para sempre? Não. Escores grosseiros bastam para uma *pré-seleção*:
# peça cem **candidatos**, busque seus vetores verdadeiros, no disco se for preciso, e ordene-os
# exatamente.
#
# ### Exercício 3: construa
# Escreva `rerank`: dos 100 candidatos (números de linha), os 10 com maior produto interno com a
# consulta.

# %% tags=["exercise"]
candidates = packed.search(queries, 100)[1]


def rerank(candidates, query):
    return candidates[:10]


best = np.array([rerank(*pair) for pair in zip(candidates, queries, strict=True)])
present = np.mean([np.isin(t, c).mean() for t, c in zip(truth, candidates, strict=True)])
rows = best if best.ndim == 2 and best.dtype.kind == "i" else np.full_like(truth, -1)
print(f"{recall(rows):.2f}   of {present:.2f} among the candidates")
exact = np.take_along_axis(queries @ vectors.T, rows, axis=1)
check(
    (*rows.shape, recall(rows), bool(np.all(np.diff(exact) <= 1e-6))),
    (200, 10, present, True),
    en="Ten a query, best first, none but candidates: score them by their vectors.",
    pt="Dez por consulta, o melhor primeiro, só candidatos: pontue-os por seus vetores.",
)

# %% [markdown] lang="en"
# <details><summary>Hint</summary>
#
# `vectors[candidates] @ query` gives 100 exact scores; `np.argsort` of their negatives, the order.
# </details>

# %% [markdown] lang="pt"
# <details><summary>Dica</summary>
#
# `vectors[candidates] @ query` dá 100 escores exatos; `np.argsort` dos seus negativos dá a ordem.
# </details>


# %% tags=["solution"] cellView="form" jupyter={"source_hidden": true, "outputs_hidden": true}
def rerank(candidates, query):
    order = np.argsort(-(vectors[candidates] @ query))
    return candidates[order[:10]]


best = np.array([rerank(*pair) for pair in zip(candidates, queries, strict=True)])
print(f"{recall(best):.2f}   of {present:.2f} among the candidates")
exact = np.take_along_axis(queries @ vectors.T, best, axis=1)
check((*best.shape, recall(best), np.all(np.diff(exact) <= 1e-6)), (200, 10, present, True))

# %% [markdown] lang="en"
# From 0.59 to 0.84, all that the candidates hold, at 24 bytes a vector in memory; for more, open more
# drawers. Big engines work just so: coarse first, exact on the few that remain.
#
# ## 4. A server: Milvus
#
# When vectors outgrow every memory you have, several machines hold a part each, answer alike, and
# the best of their answers are merged. **Milvus** does that. The same client opens a local file,
# through Milvus Lite, or a cluster by its address; nothing else changes.

# %% [markdown] lang="pt"
# De 0,59 para 0,84, tudo o que há entre os candidatos, com 24 bytes por vetor na memória; para mais,
# abra mais gavetas. É assim que trabalham os grandes motores: primeiro o grosseiro, depois o
# exato sobre os poucos que restam.
#
# ## 4. Um servidor: Milvus
#
# Quando os vetores não cabem na memória de uma só máquina, cada uma de várias guarda uma parte,
# todas respondem, e as melhores respostas são reunidas. É o que faz o **Milvus**. O mesmo cliente
# abre um arquivo local, pelo Milvus Lite, ou um *cluster* (várias máquinas que trabalham como uma
# só) pelo endereço; nada mais muda.

# %%
import importlib.util
import tempfile
from pathlib import Path

scale = all(importlib.util.find_spec(name) for name in ("pymilvus", "milvus_lite"))
folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
print("Milvus Lite ✓" if scale else '%pip install "vitsim[scale]"')

# %% [markdown] lang="en"
# (If that line tells you to install, do so and restart, or read on: the cells step aside.) We insert
# 5,000 of the vectors and compare with NumPy, by the same inner product:

# %% [markdown] lang="pt"
# (Se essa linha pedir uma instalação, instale e reinicie; ou siga: as células não atrapalham.)
# Inserimos 5.000 dos vetores e comparamos com o NumPy, pelo mesmo produto interno:


# %%
def milvus_search(path, vectors, queries):
    from pymilvus import DataType, MilvusClient

    client = MilvusClient(path)  # or http://HOST:19530
    client.drop_collection("demo")  # of an earlier run
    schema = client.create_schema()  # without one, what `how` asks for would be ignored
    schema.add_field("id", DataType.INT64, is_primary=True)
    schema.add_field("vector", DataType.FLOAT_VECTOR, dim=vectors.shape[1])
    how = client.prepare_index_params("vector", index_type="FLAT", metric_type="IP")
    client.create_collection("demo", schema=schema, index_params=how, consistency_level="Strong")
    client.insert("demo", [{"id": i, "vector": v} for i, v in enumerate(vectors)])
    hits = client.search("demo", data=queries.tolist(), limit=10)
    client.close()
    return np.array([[hit["distance"] for hit in row] for row in hits])


exact = -np.sort(-(queries @ vectors[:5000].T), axis=1)[:, :10]
print(exact.shape)

# %%
if scale:
    found = milvus_search(f"{folder.name}/demo.db", vectors[:5000], queries)
print(np.abs(found - exact).max() < 1e-5 if scale else "")

# %% [markdown] lang="en"
# The same scores: `FLAT` is exact search. In place of it a cluster takes `HNSW` or `IVF_PQ`: what
# you have just measured.
#
# A gallery of photos goes there whole, with its table and its **recipe** (model, revision, size).
# Forty photos, with the model you choose:

# %% [markdown] lang="pt"
# Os mesmos escores: `FLAT` é a busca exata. Em lugar dela, um *cluster* aceita `HNSW` ou `IVF_PQ`:
# o que você acabou de medir.
#
# Uma galeria de fotos vai inteira para lá, com sua tabela e sua **receita** (modelo, revisão,
# tamanho). Quarenta fotos, com o modelo que você escolher:

# %%
model = None  # "google/vit-base-patch16-224", "facebook/dinov2-small"

encoder = Encoder.load(model)
photos = [Path(photo) for photo in datasets.pets(role="gallery")["photo"][:40]]
progress = encoder.name != "tiny"
gallery = Gallery.build(photos[0].parents[1], encoder, paths=photos, progress=progress)
print(len(gallery), gallery.vectors.shape[1] == encoder.dim)

# %%
here = gallery.match(photos[3])
print(len(here))
if scale:
    gallery.to_milvus(f"{folder.name}/pets.db")
    served = Gallery.open(f"milvus:{folder.name}/pets.db")
    there = served.match(photos[3])
    print(len(served), [m.path.name for m in there] == [m.path.name for m in here])

# %% [markdown] lang="en"
# The same photos in the same order. The command does it, too, once no kernel holds the file:
# `vitsim match photo.jpg --gallery milvus:pets.db`. Another model than the recipe's is refused.
#
# ## 5. Many workers: Ray
#
# Embedding is easy to share out: no photo needs another. What is hard is that among many machines
# one always dies. So a batch whose answer does not come is handed out again. Then an answer may come
# *twice*; kept under the photo's name, it counts once:

# %% [markdown] lang="pt"
# As mesmas fotos, na mesma ordem. O comando também faz isso, com o *kernel* encerrado: `vitsim
# match foto.jpg --gallery milvus:pets.db`. Um modelo diferente do da receita é recusado.
#
# ## 5. Muitos processos: Ray
#
# O cálculo dos *embeddings* é fácil de repartir: nenhuma foto precisa de outra. O difícil é que,
# entre muitas máquinas, sempre morre alguma. Por isso, um lote cuja resposta não chega é entregue
# de novo. Então uma resposta pode chegar *duas vezes*; guardada sob o nome da foto, conta uma vez
# só:

# %%
rng = np.random.default_rng(0)
waiting, results, deliveries = [range(i, i + 4) for i in range(0, 40, 4)], {}, 0
while waiting:
    batch = waiting.pop(0)
    fate = rng.choice(["done", "died", "answer lost"], p=[0.6, 0.2, 0.2])
    if fate != "died":  # the work was done…
        results |= {photo: f"vector {photo}" for photo in batch}
        deliveries += len(batch)
    if fate != "done":  # …but nobody heard of it, or it was not
        waiting.append(batch)
print(deliveries, len(results))

# %% [markdown] lang="en"
# More deliveries than photos, yet forty results: none missing, none twice. **Ray** does this for
# whole Python processes, on your cores or on a cluster, and the gallery is the same to the last
# photo. On the command line it is `--engine ray`; here, set `with_ray = True`:

# %% [markdown] lang="pt"
# Mais entregas do que fotos e, mesmo assim, quarenta resultados: nenhum faltando, nenhum repetido.
# O **Ray** faz isso com processos Python inteiros, nos núcleos da sua máquina ou em um *cluster*, e
# a galeria é a mesma, até a última foto. Na linha de comando é `--engine ray`; aqui, use
# `with_ray = True`:

# %%
with_ray = False  # half a minute to start

if with_ray:
    spread = Gallery.build(photos[0].parents[1], encoder, paths=photos, engine="ray")
    print(len(spread), np.allclose(spread.vectors, gallery.vectors, atol=1e-5))
else:
    print("vitsim index photos/ --out gallery/ --engine ray")

# %% [markdown] lang="en"
# `--address` names a cluster. We left Ray off: starting it takes longer than embedding forty photos.
# That is the last lesson of scale: **a cluster pays only when the work is much longer than its
# start.** Below a million photos, one machine, patience, and an index that goes on where it stopped
# are usually the better engineering.
#
# ## Quiz
#
# <details><summary>1. Ten machines in place of one: what of time and cost?</summary>
#
# A tenth of the time, the same cost, if the work splits evenly.
# </details>
# <details><summary>2. HNSW answers fast, but memory is full. Does it help?</summary>
#
# No: it keeps all vectors and adds links. Quantisation helps.
# </details>
# <details><summary>3. Recall@10 of the search is 0.99. Does the right pet come up in 99 %?</summary>
#
# No. It says how well the search imitates exact search, not how well the model knows pets.
# </details>
#
# ## Remember
# - Memory, time and cost grow in proportion to n: reckon first.
# - Approximate search has a price, and you can measure it: recall against exact search.
# - Quantise to pre-select, re-rank exactly.
# - Hand out lost work again; keep results under a name, so that none counts twice.
#
# **Next:** lesson 05, if you have not been there: in a larger gallery more strangers resemble your
# pet.
#
# ## References
# - Y. Malkov, D. Yashunin (2018). [Efficient and robust approximate nearest neighbor search using
#   HNSW](https://arxiv.org/abs/1603.09320).
# - H. Jégou, M. Douze, C. Schmid (2011). [Product quantization for nearest neighbor
#   search](https://doi.org/10.1109/TPAMI.2010.57).
# - J. Johnson, M. Douze, H. Jégou (2021). [Billion-scale similarity search with
#   GPUs](https://arxiv.org/abs/1702.08734).
# - [Milvus](https://milvus.io/docs), [Ray Data](https://docs.ray.io/en/latest/data/data.html)

# %% [markdown] lang="pt"
# `--address` indica um *cluster*. O Ray ficou desligado: iniciá-lo leva mais tempo do que processar
# quarenta fotos. É a última lição sobre escala: **um *cluster* só compensa quando o trabalho é
# muito mais longo que a sua inicialização.** Abaixo de um milhão de fotos, uma máquina, paciência e
# um índice que continua de onde parou costumam ser a melhor engenharia.
#
# ## Questionário
#
# <details><summary>1. Dez máquinas em vez de uma: e o tempo, e o custo?</summary>
#
# Um décimo do tempo, o mesmo custo, se o trabalho se divide por igual.
# </details>
# <details><summary>2. O HNSW responde rápido, mas a memória está cheia. Ele ajuda?</summary>
#
# Não: guarda todos os vetores e ainda acrescenta ligações. Quem ajuda é a quantização.
# </details>
# <details><summary>3. O recall@10 da busca é 0,99. O animal certo aparece em 99 % dos
# casos?</summary>
#
# Não. Ele diz quão bem a busca imita a busca exata, não quão bem o modelo conhece animais.
# </details>
#
# ## Para lembrar
# - Memória, tempo e custo crescem na proporção de n: faça as contas antes.
# - A busca aproximada tem um preço, e dá para medi-lo: *recall* em relação à busca exata.
# - Quantize para pré-selecionar; reordene com os vetores exatos.
# - Entregue de novo o trabalho perdido; guarde cada resultado sob um nome, para que nenhum conte
#   duas vezes.
#
# **A seguir:** a aula 05, se você ainda não passou por lá: em uma galeria maior, mais estranhos se
# parecem com o seu animal.
#
# ## Referências
# - Y. Malkov, D. Yashunin (2018). [Efficient and robust approximate nearest neighbor search using
#   HNSW](https://arxiv.org/abs/1603.09320).
# - H. Jégou, M. Douze, C. Schmid (2011). [Product quantization for nearest neighbor
#   search](https://doi.org/10.1109/TPAMI.2010.57).
# - J. Johnson, M. Douze, H. Jégou (2021). [Billion-scale similarity search with
#   GPUs](https://arxiv.org/abs/1702.08734).
# - [Milvus](https://milvus.io/docs), [Ray Data](https://docs.ray.io/en/latest/data/data.html)
